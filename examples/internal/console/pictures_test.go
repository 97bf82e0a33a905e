package console_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/keys"
)

// The pictures in README are of the pages as they are now: beside each one is the text that was on the page. After a
// change of the pages, LATCHKEY_PICTURES=1 takes them again.
func TestThePicturesInREADME(t *testing.T) {
	h := newHost(t, someRoles...)
	for _, k := range []keys.Custom{
		{Name: "Website build", Role: "editor", ExpiresAt: time.Now().AddDate(1, 0, 0)},
		{Name: "Newsletter", Role: "public", Scopes: []string{"content/posts/read"}},
		{Name: "Search index", Role: "keeper"},
	} {
		_, err := h.service.CreateKey(t.Context(), h.ada(t), k)
		require.NoError(t, err)
	}
	preview, err := h.service.PreviewPublic(t.Context(), h.ada(t), "public")
	require.NoError(t, err)
	_, err = h.service.OpenPublic(t.Context(), h.ada(t), "public", admin.Confirmation{Token: preview.Token})
	require.NoError(t, err)

	w := newTab(t, h)
	w.signIn("ada", "/system/api")
	varies := regexp.MustCompile(`\d{1,2} [A-Z][a-z]{2} \d{4}(, \d\d:\d\d UTC)?|…[0-9a-f]{4}`)
	for name, path := range map[string]string{"keys": "/system/api", "public": "/system/api/public?role=guestbook"} {
		w.Open(path)
		w.Prepare()
		text := varies.ReplaceAllString(w.text(), "*")
		file := filepath.Join("../../../.github/pictures", name)
		if os.Getenv("LATCHKEY_PICTURES") != "" {
			require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
			require.NoError(t, os.WriteFile(file+".png", w.Picture(), 0o644))
			require.NoError(t, os.WriteFile(file+".txt", []byte(text), 0o644))
		}
		taken, err := os.ReadFile(file + ".txt")
		require.NoError(t, err)
		require.Equal(t, string(taken), text, "the page has changed: take the pictures again")
		readme, err := os.ReadFile("../../../README.md")
		require.NoError(t, err)
		require.Contains(t, string(readme), "(.github/pictures/"+name+".png)")
	}
}
