package chromium

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// The looks find faults, and a tab shares no state with another one.
func TestTabs(t *testing.T) {
	const head = `<!doctype html><html lang="en"><title>Page</title><main><h1>Page</h1>`
	mux := http.NewServeMux()
	mux.HandleFunc("/good", func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
		_, _ = io.WriteString(w, head+`<p>Nothing is wrong.</p></main></html>`)
	})
	mux.HandleFunc("/bad", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, head+`<input><p style="width: 3em; overflow-x: hidden; white-space: nowrap">This text is cut off.</p></main></html>`)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	looks := NewLooks(t, "chromium", Way{Name: "light", Scheme: "light", Width: 1280}, Way{Name: "phone", Scheme: "dark", Width: 390})

	w := Start(t, server.URL)
	w.Open("/good")
	w.Look("good", looks, nil)
	require.Contains(t, w.HTML(), "Nothing is wrong.")
	require.Equal(t, "seen=1", Eval[string](w, "document.cookie"))

	t.Run("another", func(t *testing.T) {
		other := w.Another(t, server.URL)
		other.Open("/bad")
		require.Equal(t, "", Eval[string](other, "document.cookie"))
		Eval[any](other, looks.axe)
		faults := other.faults(AllRules)
		require.Len(t, faults, 1)
		require.Contains(t, faults[0], "label (critical)")
		cut := Eval[[]string](other, cutOff)
		require.Len(t, cut, 1)
		require.Contains(t, cut[0], "This text is cut off.")
	})
	require.Equal(t, "Page", Eval[string](w, "document.title"), "it is still there")
}
