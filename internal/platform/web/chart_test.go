package web_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"regulars/internal/testkit/browser"
)

// zoomed is what a chart says it shows: nothing when it is all.
const zoomed = `document.querySelector("#retention .chart-range").textContent`

func TestAChartIsZoomedWithButtonsKeysAndThePointer(t *testing.T) {
	for name, width := range map[string]int64{"narrow": browser.Narrow, "wide": browser.Wide} {
		t.Run(name, func(t *testing.T) {
			tab := browser.Open(t, serve(t), "/dev/kit", width, map[string]string{"narrow": "dark", "wide": "light"}[name])
			row := func(i int) string {
				return fmt.Sprintf(`document.querySelectorAll("#retention tbody th")[%d].textContent`, i)
			}
			all := tab.Eval(`document.querySelectorAll("#retention tbody tr").length`)
			eventually(t, tab, "the whole at first", zoomed+` === "" && document.querySelector("#retention [data-zoom=out]").disabled`)
			tab.Click("#retention [data-zoom=in]")
			eventually(t, tab, "half of it", zoomed+`.includes(" – ") && document.querySelector("#retention .plot svg").viewBox.baseVal.width === 500`)
			look(t, tab, "chart-zoomed-"+name)
			tab.Click("#retention [data-zoom=all]")
			eventually(t, tab, "and all again", zoomed+` === ""`)

			tab.Eval(`document.querySelector("#retention .chart-box").focus()`)
			tab.Press(kb.ArrowLeft)
			eventually(t, tab, "the last period is told", `document.querySelector("#retention .chart-tip strong").textContent === `+row(atoi(t, all)-1))
			tab.Press("+")
			tab.Press("+")
			eventually(t, tab, "its neighbourhood", zoomed+`.endsWith(`+row(atoi(t, all)-1)+`)`)
			tab.Press(kb.ArrowLeft)
			eventually(t, tab, "the one before", `document.querySelector("#retention .chart-tip strong").textContent === `+row(atoi(t, all)-2))
			tab.Press("0")
			eventually(t, tab, "all by a key", zoomed+` === ""`)

			// From within the third period to within the fifth.
			tab.Eval(`(() => {
				const plot = document.querySelector("#retention .plot"), at = plot.getBoundingClientRect(), one = at.width / ` + all + `;
				const send = (type, x) => plot.dispatchEvent(new PointerEvent(type, {bubbles: true, button: 0, clientX: at.left + x * one, clientY: at.top + 50}));
				send("pointerdown", 2.2); send("pointermove", 3); send("pointermove", 4.8);
				if (document.querySelector("#retention .chart-band").hidden) throw "nothing shows what is chosen";
				send("pointerup", 4.8);
			})()`)
			eventually(t, tab, "the part that was chosen", zoomed+` === `+row(2)+` + " – " + `+row(4))
			tab.Eval(`(() => {
				const plot = document.querySelector("#retention .plot"), at = plot.getBoundingClientRect();
				plot.dispatchEvent(new PointerEvent("pointermove", {bubbles: true, clientX: at.left + at.width / 2}));
			})()`)
			eventually(t, tab, "the pointer tells the middle one", `document.querySelector("#retention .chart-tip strong").textContent === `+row(3))
			tab.FitsWidth()
			if errors := tab.Errors(); len(errors) > 0 {
				t.Errorf("the browser complains: %q", errors)
			}
		})
	}
}

func atoi(t *testing.T, s string) (n int) {
	t.Helper()
	if _, err := fmt.Sscan(s, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// spot is a place of a picture and the colour the page has there.
type spot struct {
	X, Y   float64
	Colour string
}

// pictureOf saves a chart and returns the picture, and the spots that a script
// finds on the page: where they are in the picture, and in which colour.
func pictureOf(t *testing.T, tab *browser.Tab, id, home, spots string) (image.Image, []spot) {
	t.Helper()
	said := tab.Await(`new Promise((done, failed) => {
		const figure = document.getElementById("` + id + `"), home = figure.querySelector("` + home + `").getBoundingClientRect();
		const place = (e, dx, dy, colour) => { const b = e.getBoundingClientRect();
			return {X: (b.left + dx * b.width - home.left + 16) * 2, Y: (b.top + dy * b.height - home.top + 48) * 2, Colour: colour}; };
		const spots = ` + spots + `;
		const click = HTMLAnchorElement.prototype.click, make = URL.createObjectURL;
		let blob;
		URL.createObjectURL = b => { blob = b; return make.call(URL, b); };
		HTMLAnchorElement.prototype.click = function () {
			URL.createObjectURL = make; HTMLAnchorElement.prototype.click = click;
			if (!this.download.endsWith(".png")) return failed("it is called " + this.download);
			const r = new FileReader();
			r.onload = () => done(JSON.stringify({Picture: r.result.split(",")[1], Spots: spots}));
			r.readAsDataURL(blob);
		};
		figure.querySelector("[data-png]").click();
	})`)
	var got struct {
		Picture string
		Spots   []spot
	}
	if err := json.Unmarshal([]byte(said), &got); err != nil {
		t.Fatalf("%s: %.200s: %v", id, said, err)
	}
	raw, err := base64.StdEncoding.DecodeString(got.Picture)
	if err != nil {
		t.Fatal(err)
	}
	if dir := os.Getenv("REGULARS_SCREENSHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "picture-"+strings.ReplaceAll(t.Name(), "/", "-")+"-"+id+".png"), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	picture, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%s is no picture: %v", id, err)
	}
	return picture, got.Spots
}

// holds fails the test unless the picture has the page's colours in its spots
// and its title above.
func holds(t *testing.T, id string, picture image.Image, spots []spot) {
	t.Helper()
	if len(spots) < 6 {
		t.Errorf("%s: only %d spots to look at", id, len(spots))
	}
	for _, s := range spots {
		var r, g, b uint8
		if _, err := fmt.Sscanf(s.Colour, "rgb(%d, %d, %d)", &r, &g, &b); err != nil {
			t.Fatalf("%s: the page has the colour %q", id, s.Colour)
		}
		c := color.NRGBAModel.Convert(picture.At(int(s.X), int(s.Y))).(color.NRGBA)
		far := func(a, b uint8) bool { return a > b+12 || b > a+12 }
		if far(c.R, r) || far(c.G, g) || far(c.B, b) {
			t.Errorf("%s: at %.0f, %.0f of %v stands %v, on the page %s", id, s.X, s.Y, picture.Bounds(), c, s.Colour)
		}
	}
	ground, inked := picture.At(4, 4), 0
	for x := range picture.Bounds().Dx() {
		for y := 24; y < 72; y++ {
			if picture.At(x, y) != ground {
				inked++
			}
		}
	}
	if inked < 200 {
		t.Errorf("%s: the picture has no title", id)
	}
}

func TestAChartGivesAPictureOfWhatItShows(t *testing.T) {
	const (
		dots  = `[...figure.querySelectorAll(".dot:not(.hollow):not(.away)")].map(e => place(e, .5, .5, getComputedStyle(e).fill))`
		bars  = `[...figure.querySelectorAll(".bar:not(.open):not(.key *)")].filter(e => e.getBoundingClientRect().height > 6).map(e => place(e, .5, .5, getComputedStyle(e).fill))`
		cells = `[...figure.querySelectorAll("td[class^=lv]")].map(e => place(e, .06, .1, getComputedStyle(e).backgroundColor))`
	)
	for name, width := range map[string]int64{"narrow dark": browser.Narrow, "wide light": browser.Wide} {
		t.Run(name, func(t *testing.T) {
			_, theme, _ := strings.Cut(name, " ")
			tab := browser.Open(t, serve(t), "/dev/kit", width, theme)
			eventually(t, tab, "the tools are there", `!document.querySelector("#retention [data-tools]").hidden`)
			lines, spots := pictureOf(t, tab, "retention", ".keys", dots)
			holds(t, "retention", lines, spots)
			stacked, spots := pictureOf(t, tab, "revenue", ".keys", bars)
			holds(t, "revenue", stacked, spots)
			heat, spots := pictureOf(t, tab, "cohorts", "table", cells)
			holds(t, "cohorts", heat, spots)
			tab.Click("#retention [data-zoom=in]")
			part, spots := pictureOf(t, tab, "retention", ".keys", dots)
			holds(t, "retention zoomed", part, spots[:])
			if same(lines, part) {
				t.Error("the picture of a part is that of the whole")
			}
			if errors := tab.Errors(); len(errors) > 0 {
				t.Errorf("the browser complains: %q", errors)
			}
		})
	}
}

func same(a, b image.Image) bool {
	if a.Bounds() != b.Bounds() {
		return false
	}
	for x := range a.Bounds().Dx() {
		for y := range a.Bounds().Dy() {
			if a.At(x, y) != b.At(x, y) {
				return false
			}
		}
	}
	return true
}
