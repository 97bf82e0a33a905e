package main

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/cms/assets"
	"github.com/latchkey-go/latchkey/examples/cms/users"
	"github.com/latchkey-go/latchkey/examples/internal/chromium"
	"github.com/latchkey-go/latchkey/examples/internal/pgserver"
)

// assetChanges are the changes of the pages, each with its permission.
var assetChanges = map[string]string{
	"assets/upload":         "/assets/upload",
	"assets/edit":           "/assets/asset/one",
	"assets/delete":         "/assets/asset/one/delete",
	"assets/folders/create": "/assets/folders",
	"assets/folders/edit":   "/assets/folders/f",
	"assets/folders/delete": "/assets/folders/f/delete",
}

// Each of the six permissions lets its holder see the assets, and make one change.
func TestAssetPermissions(t *testing.T) {
	const good = "correct horse battery"
	onEach(t, func(t *testing.T, c config) {
		roleOf := func(permission string) string { return strings.ReplaceAll(permission, "/", "-") }
		var roles, people []string
		for permission := range assetChanges {
			roles = append(roles, fmt.Sprintf(`{"appid": %q, "permissions": {%q: true}}`, roleOf(permission), permission))
			people = append(people, fmt.Sprintf(`{"_id": %[1]q, "user": %[1]q, "role": %[1]q, "active": true}`, roleOf(permission)))
		}
		roles = append(roles, `{"appid": "nothing", "permissions": {}}`)
		people = append(people, `{"_id": "nothing", "user": "nothing", "role": "nothing", "active": true}`)
		c.load = file(t, `{"roles": [`+strings.Join(roles, ",")+`], "users": [`+strings.Join(people, ",")+`]}`)
		c.uploads = t.TempDir()
		r, n := start(t, c), anotherNode(t, c)
		again := func() { // what the changes need
			t.Helper()
			_ = n.assets.Delete(t.Context(), "one")
			require.NoError(t, n.assets.Add(t.Context(), assets.Asset{"_id": "one", "path": "/one.txt", "title": "One"}, strings.NewReader("x"), 10, nil))
			require.NoError(t, n.assets.AddFolder(t.Context(), assets.Folder{ID: "f", Name: "F"}))
		}
		manager := users.Manager{Table: n.users, Store: n.store, Audit: n.store.Audit()}
		root, err := n.lk.Guard.PrincipalForUser(t.Context(), adminOf(t, n))
		require.NoError(t, err)
		for _, who := range append([]string{"nothing"}, keysOf(assetChanges)...) {
			require.NoError(t, manager.SetPassword(t.Context(), root, roleOf(who), good))
			b := browse(t, r)
			require.Equal(t, 200, b.signIn(roleOf(who), good), b.text)
			sees := map[bool]int{true: 200, false: 403}[who != "nothing"]
			again()
			require.Equal(t, sees, b.open("/assets"), who)
			require.Equal(t, who != "nothing", strings.Contains(b.text, `<a href="/assets" aria-current="page">`), "the navigation shows what one may see")
			require.Equal(t, sees, b.open("/assets/asset/one"), who)
			for permission, path := range assetChanges {
				want := http.StatusForbidden
				if permission == who {
					want = http.StatusSeeOther
				}
				again()
				require.Equal(t, want, b.change(t, path), "%s: %s", who, path)
			}
		}
		// Without a sign-in and with a key nothing is done; another site cannot use the session.
		again()
		for _, path := range assetChanges {
			require.Equal(t, http.StatusSeeOther, browse(t, r).change(t, path), "to the sign-in")
			b := r.admin(t)
			require.Equal(t, http.StatusForbidden, b.change(t, path, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"))
		}
		_, err = n.assets.Get(t.Context(), "one")
		require.NoError(t, err)
	})
}

func keysOf(m map[string]string) (keys []string) {
	for key := range m {
		keys = append(keys, key)
	}
	return keys
}

func adminOf(t *testing.T, n *node) (id string) {
	t.Helper()
	require.NoError(t, n.db.QueryRowContext(t.Context(), `SELECT id FROM cms_users WHERE login = 'admin'`).Scan(&id))
	return id
}

// change sends a form, as a browser does, and returns the status. It follows no redirect.
func (b *browser) change(t *testing.T, path string, header ...string) int {
	t.Helper()
	kind, body := "application/x-www-form-urlencoded", []byte("name=New&title=New&folder=")
	if strings.HasSuffix(path, "/upload") {
		kind, body = files(t, "a.txt", "hello")
	}
	request, err := http.NewRequestWithContext(t.Context(), "POST", b.url+path, bytes.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", kind)
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := b.straight().Do(request)
	require.NoError(t, err)
	response.Body.Close()
	return response.StatusCode
}

// files returns a form with files, given as name and content.
func files(t *testing.T, nameAndContent ...string) (kind string, body []byte) {
	t.Helper()
	var out bytes.Buffer
	form := multipart.NewWriter(&out)
	for i := 0; i < len(nameAndContent); i += 2 {
		w, err := form.CreateFormFile("files", nameAndContent[i])
		require.NoError(t, err)
		_, err = w.Write([]byte(nameAndContent[i+1]))
		require.NoError(t, err)
	}
	require.NoError(t, form.Close())
	return form.FormDataContentType(), out.Bytes()
}

// On each engine: upload, list, edit, move, delete, and what the API shows of it.
func TestAssetPages(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		c.uploads = t.TempDir()
		r := start(t, c)
		b := r.admin(t)
		send := func(kind string, body []byte) int {
			t.Helper()
			request, err := http.NewRequestWithContext(t.Context(), "POST", b.url+"/assets/upload", bytes.NewReader(body))
			require.NoError(t, err)
			request.Header.Set("Content-Type", kind)
			b.send(request)
			return b.status
		}
		kind, body := files(t, "one.txt", "one", "two.txt", "two")
		require.Equal(t, 200, send(kind, body))
		require.Contains(t, b.text, "Uploaded.")
		require.Contains(t, b.text, "one.txt")
		require.Contains(t, b.text, "two.txt")
		kind, body = files(t)
		require.Equal(t, 400, send(kind, body), "no file")
		require.Equal(t, 400, send("text/plain", []byte("x")))
		kind, body = files(t, "big", strings.Repeat("x", assets.MostUpload+1))
		require.Equal(t, 400, send(kind, body))
		require.Contains(t, b.text, "The file is too large.")
		kind, body = files(t, "a", strings.Repeat("x", assets.MostUpload/2), "b", strings.Repeat("x", assets.MostUpload/2), "c", strings.Repeat("x", 2<<20))
		require.Equal(t, 400, send(kind, body))

		n := anotherNode(t, c)
		list, err := n.assets.Page(t.Context(), "", 10, 0)
		require.NoError(t, err)
		require.Len(t, list, 2, "two were uploaded, and none of those that were refused")
		id, path := list[0].Text("_id"), list[0].Text("path")
		require.Equal(t, 200, b.open("/assets"))
		require.Equal(t, 200, b.press("Create folder", "name", "Texts"))
		folders, err := n.assets.Folders(t.Context())
		require.NoError(t, err)
		require.Len(t, folders, 1)
		require.Equal(t, 200, b.open("/assets/asset/"+id))
		require.Equal(t, 200, b.press("Save", "title", "<b>Renamed</b>", "folder", folders[0].ID, "altText", "a text"))
		require.Contains(t, b.text, "&lt;b&gt;Renamed&lt;/b&gt;")
		require.Equal(t, 400, b.press("Delete this folder"))
		require.Contains(t, b.text, "The folder is not empty")
		require.Equal(t, 200, b.open("/assets?folder="+folders[0].ID))
		require.Equal(t, 200, b.press("Rename", "name", "Words"))
		require.Contains(t, b.text, "Words")
		for _, page := range []string{"/assets?folder=none", "/assets?folder=%00", "/assets/asset/none", "/assets/asset/%00", "/assets/asset/%ff", "/assets/none"} {
			require.Equal(t, 404, b.open(page), page)
		}
		require.Equal(t, 200, b.open("/assets?page=99999999999999"))

		// The sample's public role is open: each caller reads it.
		status, document := r.ask(t, "GET", "/api/assets/"+id, "")
		require.Equal(t, 200, status)
		require.Equal(t, "a text", document.(map[string]any)["altText"])
		status, text := r.ask(t, "GET", "/storage/uploads"+path, "")
		require.Equal(t, 200, status)
		require.Contains(t, []any{"one", "two"}, text)

		require.Equal(t, 200, b.open("/assets/asset/"+id))
		require.Equal(t, 200, b.press("Delete for good"))
		require.Contains(t, b.text, "Deleted.")
		require.Equal(t, 404, r.status(t, "GET", "/api/assets/"+id, ""))
		require.Equal(t, 404, r.status(t, "GET", "/storage/uploads"+path, ""))
		require.NoFileExists(t, filepath.Join(c.uploads, path))
	})
}

// PostgreSQL has no folder beside it: without the flag there are no addresses, and the page says what to do.
func TestWithoutUploads(t *testing.T) {
	t.Parallel()
	c := config{addr: "127.0.0.1:0", db: pgserver.Shared(t).NewDatabase(t)}
	r := start(t, c)
	b := r.admin(t)
	require.Equal(t, 400, b.open("/assets"))
	require.Contains(t, b.text, "-uploads")
	require.Equal(t, 400, b.change(t, "/assets/folders"))
	require.Equal(t, 404, r.status(t, "GET", "/api/assets/one", ""))
	require.Equal(t, 404, r.status(t, "GET", "/storage/uploads/one", ""))
}

// A person uploads a picture in a real browser, sees it, edits and deletes it; the pages have no serious fault of
// accessibility, light, dark and on a phone.
func TestAssetsInABrowser(t *testing.T) {
	t.Parallel()
	looks := chromium.NewLooks(t, "cms",
		chromium.Way{Name: "light", Scheme: "light", Width: 1280},
		chromium.Way{Name: "dark", Scheme: "dark", Width: 1280, Axe: chromium.Contrast},
		chromium.Way{Name: "phone", Scheme: "light", Width: 390})
	r := start(t, config{addr: "127.0.0.1:0", db: filepath.Join(t.TempDir(), "cms.db")})
	w := newTab(t, r)
	login, password := r.password(t)
	w.Open("/assets")
	w.signIn(login, password)
	w.Prepare()
	w.look(shot{"assets-none", "Assets", "/assets", unfold}, looks)

	picture, err := filepath.Abs("testdata/cockpit-assets/2026/11/28/stripes_uid_6b0af695bd9bf.png")
	require.NoError(t, err)
	evil := filepath.Join(t.TempDir(), "evil.svg")
	require.NoError(t, os.WriteFile(evil, []byte(`<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>document.documentElement.setAttribute("data-ran", "1"); top.ran = 1</script></svg>`), 0o600))
	w.Open("/assets")
	w.input("Files")
	w.Do(chromedp.SetUploadFiles(chromedp.CSS(marked), []string{picture, evil}))
	w.press("Upload")
	require.Contains(t, w.text(), "Uploaded.")
	w.look(shot{"assets", "Assets", "/assets", unfold}, looks)
	w.press("stripes_uid_6b0af695bd9bf.png")
	require.True(t, eval[bool](w, `document.querySelector("main img").naturalWidth === 64`), "the picture is shown")
	page := w.path()
	w.fill("Title", "Stripes")
	w.fill("Alternative text", "Stripes in four colours")
	w.press("Save")
	require.Contains(t, w.text(), "Stripes")
	w.look(shot{"asset", "Stripes", page, unfold}, looks)

	// The drawing is shown where it is opened, and its script does not run.
	w.Open("/assets")
	w.press("evil.svg")
	file := eval[string](w, `document.querySelector("main img").getAttribute("src")`)
	w.Open(file)
	require.Equal(t, "svg", eval[string](w, `document.documentElement.tagName`))
	require.False(t, eval[bool](w, `document.documentElement.hasAttribute("data-ran") || top.ran === 1`))

	w.Open(page)
	w.press("Delete for good")
	require.Contains(t, w.text(), "Deleted.")
	require.NotContains(t, w.text(), "Stripes")
	status, _ := r.ask(t, "GET", strings.Replace(page, "/assets/asset/", "/api/assets/", 1), "")
	require.Equal(t, 404, status)
}
