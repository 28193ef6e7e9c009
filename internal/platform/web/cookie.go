package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	flashCookie = "regulars_flash"
	themeCookie = "regulars_theme"
	flashMax    = 600 // characters of text a cookie carries
)

// themes are those that can be chosen; "system" follows the device.
var themes = []string{"light", "dark", "system"}

// Notice is one line shown on top of the next page.
type Notice struct {
	Tone string // "good", "warn" or "bad"
	Text string
}

// Flash shows text on the next page this browser asks for, once. Tone is
// "good", "warn" or "bad".
func (r *Request) Flash(w http.ResponseWriter, tone, text string) {
	if runes := []rune(text); len(runes) > flashMax {
		text = string(runes[:flashMax]) + "…"
	}
	b, _ := json.Marshal(Notice{tone, text})
	r.setCookie(w, flashCookie, r.server.sign(b), time.Minute)
}

// takeFlash returns the notice of the page before and forgets it.
func (r *Request) takeFlash(w http.ResponseWriter) (Notice, bool) {
	c, err := r.Cookie(flashCookie)
	if err != nil {
		return Notice{}, false
	}
	r.setCookie(w, flashCookie, "", -1)
	b, ok := r.server.unsign(c.Value)
	var n Notice
	return n, ok && json.Unmarshal(b, &n) == nil
}

// SignIn keeps the session token in this browser until it expires.
func (r *Request) SignIn(w http.ResponseWriter, token string, lasts time.Duration) {
	r.setCookie(w, r.server.sessionCookie(), token, lasts)
}

// SignOut makes this browser forget its session.
func (r *Request) SignOut(w http.ResponseWriter) {
	r.setCookie(w, r.server.sessionCookie(), "", -1)
}

// Keep stores a value in this browser for a while, for Kept; lasts below zero
// forgets it. What must not be read or changed there is sealed first.
func (r *Request) Keep(w http.ResponseWriter, name, value string, lasts time.Duration) {
	r.setCookie(w, "regulars_"+name, value, lasts)
}

// Kept is what Keep stored in this browser, or "".
func (r *Request) Kept(name string) string {
	c, err := r.Cookie("regulars_" + name)
	if err != nil {
		return ""
	}
	return c.Value
}

// sessionCookie is the cookie's name. With __Host- the browser itself refuses
// to take it from another host or over http.
func (s *Server) sessionCookie() string {
	if s.Secure && s.base == "" {
		return "__Host-regulars"
	}
	return "regulars_session"
}

func (r *Request) setCookie(w http.ResponseWriter, name, value string, lasts time.Duration) {
	age := int(lasts.Seconds())
	if lasts < 0 {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: r.server.base + "/", MaxAge: age,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.server.Secure,
	})
}

func (s *Server) sign(b []byte) string {
	text := base64.RawURLEncoding.EncodeToString(b)
	return text + "." + s.seal(text)
}

func (s *Server) unsign(value string) ([]byte, bool) {
	text, seal, _ := strings.Cut(value, ".")
	if !hmac.Equal([]byte(seal), []byte(s.seal(text))) {
		return nil, false
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	return b, err == nil
}

func (s *Server) seal(text string) string {
	mac := hmac.New(sha256.New, s.Secret)
	mac.Write([]byte("flash:" + text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// chooseTheme keeps the theme in a cookie, for the sign-in page too.
func (s *Server) chooseTheme(w http.ResponseWriter, r *Request) error {
	if theme := r.PostFormValue("theme"); slices.Contains(themes, theme) {
		r.setCookie(w, themeCookie, theme, 365*24*time.Hour)
	}
	return r.Redirect(w, r.PostFormValue("back"))
}
