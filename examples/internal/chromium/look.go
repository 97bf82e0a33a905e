package chromium

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// A Way is a setting to look at a page in. At 200 % zoom the window has half the pixels, each twice as large.
type Way struct {
	Name, Scheme string
	Width        int64
	Scale        float64 // 0 is 1
	Axe          Axe
}

// Axe selects the rules of axe-core.
type Axe int

const (
	AllRules Axe = iota
	Contrast     // colours alone: the same page has been checked in the same layout
	NoRules      // the layout alone
)

// Looks are the settings common to all pages of a test.
type Looks struct {
	axe    string
	folder string
	ways   []Way
}

// Screenshots is the folder for screenshots, or "" for none.
func Screenshots() string { return os.Getenv("LATCHKEY_SCREENSHOTS") }

// NewLooks reads axe-core. Screenshots go to a folder of this name in [Screenshots].
func NewLooks(t *testing.T, name string, ways ...Way) *Looks {
	t.Helper()
	path := os.Getenv("AXE_CORE")
	if path == "" {
		path = "node_modules/axe-core/axe.min.js"
	}
	script, err := os.ReadFile(path)
	if err != nil {
		absent(t, "axe-core", "npm install --prefix DIR axe-core, then AXE_CORE=DIR/node_modules/axe-core/axe.min.js")
	}
	folder := Screenshots()
	if folder != "" {
		folder = filepath.Join(folder, name)
		require.NoError(t, os.MkdirAll(folder, 0o755))
	}
	return &Looks{axe: string(script) + "; null", folder: folder, ways: ways}
}

// Prepare sets the tab's width and scheme for the steps before a look.
func (w *Tab) Prepare() { w.Helper(); w.Size(1280); w.scheme("light") }

// Look checks the current page in each way. also, which may be nil, is a further check.
func (w *Tab) Look(name string, l *Looks, also func(Way)) {
	w.Helper()
	Eval[any](w, l.axe)
	for _, way := range l.ways {
		w.zoom(way.Width, max(way.Scale, 1))
		w.scheme(way.Scheme)
		if way.Axe != NoRules {
			for _, fault := range w.faults(way.Axe) {
				w.Errorf("%s: %s", way.Name, fault)
			}
		}
		if wide := Eval[int64](w, "document.documentElement.scrollWidth"); wide > way.Width {
			w.Errorf("%s: the page is %d px wide, and the window %d", way.Name, wide, way.Width)
		}
		for _, cut := range Eval[[]string](w, cutOff) {
			w.Errorf("%s: cut off: %s", way.Name, cut)
		}
		if also != nil {
			also(way)
		}
		if l.folder == "" {
			continue
		}
		require.NoError(w, os.WriteFile(filepath.Join(l.folder, name+"-"+way.Name+".png"), w.Picture(), 0o644))
	}
}

// Picture returns a screenshot of the whole page, as PNG.
func (w *Tab) Picture() []byte {
	w.Helper()
	picture, err := chromedp.Run(w.ctx, chromedp.FullScreenshot(100))
	require.NoError(w, err)
	return picture
}

// cutOff finds elements whose text is wider than they are, except those that scroll, that end in an ellipsis, or that
// are for screen readers only. (Inputs scroll by themselves.)
const cutOff = `[...document.querySelectorAll("body *")].filter((e) => {
	if (e.scrollWidth <= e.clientWidth + 1 || e.clientWidth <= 1) return false;
	const style = getComputedStyle(e);
	return style.overflowX === "hidden" && style.webkitLineClamp === "none" && style.clipPath === "none";
}).map((e) => e.outerHTML.slice(0, 120))`

// faults returns the serious and critical faults that axe-core finds.
func (w *Tab) faults(axe Axe) (faults []string) {
	w.Helper()
	rules := ""
	if axe == Contrast {
		rules = `, runOnly: ["color-contrast"]`
	}
	report := Eval[string](w, `axe.run(document, {resultTypes: ["violations"]`+rules+`}).then((r) => JSON.stringify({Passes: r.passes.length, Violations: r.violations}))`)
	var found struct {
		Passes     int
		Violations []struct {
			ID, Impact, Help string
			Nodes            []struct{ HTML, FailureSummary string }
		}
	}
	require.NoError(w, json.Unmarshal([]byte(report), &found))
	if axe == AllRules {
		require.Greater(w, found.Passes, 10, "rules that looked at the page")
	} else {
		require.Positive(w, found.Passes, "rules that looked at the page")
	}
	for _, f := range found.Violations {
		text := fmt.Sprintf("%s (%s): %s", f.ID, f.Impact, f.Help)
		for _, node := range f.Nodes {
			text += "\n\t" + node.HTML + "\n\t\t" + strings.ReplaceAll(node.FailureSummary, "\n", " ")
		}
		if f.Impact == "serious" || f.Impact == "critical" {
			faults = append(faults, text)
		} else {
			w.Log(text)
		}
	}
	return faults
}
