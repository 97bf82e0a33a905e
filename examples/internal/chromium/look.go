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

// A Way is how a page is looked at. Two hundred per cent zoom is a window with half the pixels, each twice as large.
type Way struct {
	Name, Scheme string
	Width        int64
	Scale        float64 // 0 is 1
	Axe          Axe
}

// Axe says what axe-core is asked for.
type Axe int

const (
	AllRules Axe = iota
	Contrast     // colours alone: the same page has been looked at in the same layout
	NoRules      // the layout alone
)

// Looks are what is common to all pages that are looked at.
type Looks struct {
	axe    string
	folder string
	ways   []Way
}

// Screenshots is the folder that pictures are written to, or "" for none.
func Screenshots() string { return os.Getenv("LATCHKEY_SCREENSHOTS") }

// NewLooks reads axe-core. Pictures are written to a folder of this name in [Screenshots].
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

// Prepare makes the tab as wide and light as it is for what has to be done before a look.
func (w *Tab) Prepare() { w.Helper(); w.Size(1280); w.scheme("light") }

// Look looks at the page that is shown, in each way. also, which may be nil, is what else to look for in a way.
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
		picture, err := chromedp.Run(w.ctx, chromedp.FullScreenshot(100))
		require.NoError(w, err)
		require.NoError(w, os.WriteFile(filepath.Join(l.folder, name+"-"+way.Name+".png"), picture, 0o644))
	}
}

// cutOff finds elements whose text is wider than they are, but for those that can be scrolled, that end in an ellipsis and
// those only for screen readers. (Inputs scroll by themselves.)
const cutOff = `[...document.querySelectorAll("body *")].filter((e) => {
	if (e.scrollWidth <= e.clientWidth + 1 || e.clientWidth <= 1) return false;
	const style = getComputedStyle(e);
	return style.overflowX === "hidden" && style.webkitLineClamp === "none" && style.clipPath === "none";
}).map((e) => e.outerHTML.slice(0, 120))`

// faults are what axe-core finds serious or critical on the page.
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
