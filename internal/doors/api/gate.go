package api

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
)

// handle is the way of each request: a key, its limit, its rights, whether it
// was asked before, and then the operation.
func (d *Door) handle(op rest.Operation) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		began := time.Now()
		key, secret, err := d.recognise(w, r)
		if err != nil {
			return err
		}
		r.Staff = key.Staff
		seen := &seen{ResponseWriter: w}
		defer func() {
			d.log.add(Request{Key: key.ID, User: key.Staff.ID, At: r.Now, Method: op.Method(), Route: rest.Base + op.Path(),
				Status: seen.code(err), Took: time.Since(began), RequestID: r.ID})
		}()
		if err = d.admit(w, r, key, op); err != nil {
			return err
		}
		if op.Takes != "" { // a large file over a slow line
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Hour))
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Hour))
		}
		call := &rest.Call{Request: r, Key: key.ID}
		call.About, _ = id.ParseCustomer(r.PathValue("customer"))
		again := r.Header.Get("Idempotency-Key")
		if again == "" || !op.Writes() {
			d.rest.Serve(op.Name, seen, call)
			return nil
		}
		err = d.once(seen, call, op, secret, again)
		return err
	}
}

// Enter lets a request to another door in by its key, within the same limits,
// and notes it in the same log under the route.
func (d *Door) Enter(w http.ResponseWriter, r *web.Request, route string) (users.Key, error) {
	key, _, err := d.recognise(w, r)
	if err != nil {
		return key, err
	}
	err = d.admit(w, r, key, rest.Operation{Role: web.Viewer})
	d.log.add(Request{Key: key.ID, User: key.Staff.ID, At: r.Now, Method: r.Method, Route: route, Status: entered(err), RequestID: r.ID})
	return key, err
}

// recognise finds the key that a request carries, and the key's secret.
func (d *Door) recognise(w http.ResponseWriter, r *web.Request) (users.Key, string, error) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	secret = strings.TrimSpace(secret)
	if !strings.EqualFold(scheme, "Bearer") {
		secret = ""
	}
	key, err := users.KeyByToken(r.Context(), d.db, secret, r.Now)
	if !errs.Is(err, errs.SignIn) {
		return key, secret, err
	}
	if q := d.wrong.Take(r.Address(), r.Now); !q.OK {
		w.Header().Set("Retry-After", strconv.Itoa(web.Seconds(q.Wait)))
		return key, "", errs.Of(errs.TooMany, nil, "api.wrong.wrong-often")
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="Regulars"`)
	if secret == "" {
		return key, "", errs.Of(errs.SignIn, nil, "api.wrong.missing")
	}
	return key, "", err
}

// admit refuses a key that asks too often, or for what it may not.
func (d *Door) admit(w http.ResponseWriter, r *web.Request, key users.Key, op rest.Operation) error {
	q := d.keys.Take(key.ID.String(), r.Now)
	h := w.Header()
	h.Set("RateLimit-Limit", strconv.Itoa(q.Limit))
	h.Set("RateLimit-Remaining", strconv.Itoa(q.Left))
	h.Set("RateLimit-Reset", strconv.Itoa(web.Seconds(q.Reset)))
	switch {
	case !q.OK:
		h.Set("Retry-After", strconv.Itoa(web.Seconds(q.Wait)))
		return errs.Of(errs.TooMany, nil, "api.wrong.often", "Limit", q.Limit)
	case key.Unproved:
		return errs.Of(errs.Forbidden, nil, "api.wrong.unproved")
	case !key.May(op.Scope):
		return errs.Of(errs.Forbidden, nil, "api.wrong.scope", "Scope", string(op.Scope))
	case key.Staff.Role < op.Role:
		return errs.Of(errs.Forbidden, nil, "api.wrong.role", "Role", op.Role.String())
	}
	return nil
}

// entered is the status of a request that was let in, or not.
func entered(err error) int {
	if err != nil {
		return web.StatusOf(errs.KindOf(err))
	}
	return http.StatusOK
}

// seen is an answer of which we know the status.
type seen struct {
	http.ResponseWriter
	status int
}

func (s *seen) WriteHeader(status int) {
	if s.status == 0 {
		s.status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

func (s *seen) Write(b []byte) (int, error) {
	if s.status == 0 {
		s.status = http.StatusOK
	}
	return s.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (s *seen) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// code is the status that was or will be answered. A panic, which leaves
// neither, becomes 500 further up.
func (s *seen) code(err error) int {
	switch {
	case s.status != 0:
		return s.status
	case err != nil:
		return web.StatusOf(errs.KindOf(err))
	}
	return http.StatusInternalServerError
}
