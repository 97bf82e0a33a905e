package assets_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/cms/assets"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A world is the addresses of a store, with a key of a role that allows nothing.
type world struct {
	*testing.T
	store  *assets.Store
	folder string
	site   http.Handler
	key    string
}

func newWorld(t *testing.T, public, bare bool) *world {
	w := &world{T: t}
	w.store, _, w.folder = opened(t)
	ring := keys.NewRing(keys.NewMemoryStore())
	t.Cleanup(func() { ring.Close(t.Context()) })
	issued, err := ring.IssueCustom(t.Context(), keys.Custom{Name: "one", Role: "nothing"})
	require.NoError(t, err)
	w.key = issued.Key.Reveal()
	c := auth.Config{Keys: ring, Roles: roles.MustCompile(roles.Role{AppID: "nothing"})}
	if public {
		c.Anonymous = publicapi.Fixed("nothing")
	}
	guard, err := auth.New(c)
	require.NoError(t, err)
	mux := http.NewServeMux()
	assets.Register(mux, guard, w.store, bare, true)
	w.site = guard.Identify(mux)
	return w
}

// get asks with headers, given as name and value.
func (w *world) get(path string, header ...string) *httptest.ResponseRecorder {
	w.Helper()
	method := "GET"
	if rest, ok := strings.CutPrefix(path, "HEAD "); ok {
		method, path = "HEAD", rest
	}
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	recorder := httptest.NewRecorder()
	w.site.ServeHTTP(recorder, r)
	return recorder
}

// addresses returns those of an asset: its document, its picture and its file.
func addresses(a assets.Asset) []string {
	id := a.Text("_id")
	return []string{"/api/assets/" + id, "/api/assets/image/" + id + "?w=1&h=1&o=1", "/storage/uploads" + a.Text("path")}
}

// Each caller with a good key reads assets; without a key only while the public API is open.
func TestCallers(t *testing.T) {
	for _, public := range []bool{false, true} {
		w := newWorld(t, public, false)
		for _, path := range addresses(upload(t, w.store, "a.png", "", picture(t, 2, 2))) {
			require.Equal(t, 200, w.get(path, "Api-Key", w.key).Code, path)
			require.Equal(t, 401, w.get(path, "Api-Key", "API-0f1e2d3c4b5a69788796a5b4c3d2e1f0bbbbbbb1").Code, path)
			require.Equal(t, 401, w.get(path, "Api-Key", "").Code, path)
			answer := w.get(path)
			require.Equal(t, map[bool]int{true: 200, false: 401}[public], answer.Code, path)
			require.Contains(t, answer.Header().Get("Vary"), "Api-Key")
			if !public {
				require.Equal(t, "no-store", answer.Header().Get("Cache-Control"))
			}
		}
	}
}

// The type of a file is that of its content. No script runs in it: it is sandboxed or downloaded, and never sniffed.
func TestFilesAreHarmless(t *testing.T) {
	w := newWorld(t, true, false)
	const script = "<script>alert(document.domain)</script>"
	for body, want := range map[string]struct {
		mime  string
		shown bool
	}{
		picture(t, 2, 2):                 {"image/png", true},
		"GIF89a\x01\x00\x01\x00":         {"image/gif", true},
		"plain " + script:                {"text/plain; charset=utf-8", true},
		"body { color: red }":            {"text/plain; charset=utf-8", true},
		"<svg>" + script + "</svg>":      {"image/svg+xml", true},
		"<?xml version='1.0'?><svg/>":    {"image/svg+xml", true},
		"\xef\xbb\xbf <svg></svg>":       {"image/svg+xml", true},
		"\x00\x00\x00\x1cftypavif\x00":   {"image/avif", true},
		"<!doctype html>" + script:       {"text/html; charset=utf-8", false},
		"<html><svg>" + script:           {"text/html; charset=utf-8", false},
		"<?xml version='1.0'?><a/>":      {"text/xml; charset=utf-8", false},
		"%PDF-1.7":                       {"application/pdf", false},
		"PK\x03\x04":                     {"application/zip", false},
		"\x00\x01\x02":                   {"application/octet-stream", false},
		"GIF89a/*" + script + "*/=alert": {"image/gif", true},
	} {
		a := upload(t, w.store, "innocent.png", "", body)
		answer := w.get("/storage/uploads" + a.Text("path"))
		h := answer.Header()
		require.Equal(t, 200, answer.Code)
		require.Equal(t, body, answer.Body.String())
		require.Equal(t, want.mime, h.Get("Content-Type"), "%q", body)
		require.Equal(t, want.shown, h.Get("Content-Disposition") == "", "%q", body)
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
		require.True(t, strings.HasPrefix(h.Get("Content-Security-Policy"), "sandbox; default-src 'none'; "))
		require.NotContains(t, h.Get("Content-Security-Policy"), "script")
	}
}

func TestRangesAndCaching(t *testing.T) {
	w := newWorld(t, true, false)
	a := upload(t, w.store, "a.txt", "", "0123456789")
	file := "/storage/uploads" + a.Text("path")
	part := w.get(file, "Range", "bytes=2-4")
	require.Equal(t, 206, part.Code)
	require.Equal(t, "234", part.Body.String())
	require.Equal(t, "bytes 2-4/10", part.Header().Get("Content-Range"))
	require.Equal(t, 416, w.get(file, "Range", "bytes=20-").Code)
	head := w.get("HEAD " + file)
	require.Equal(t, "10", head.Header().Get("Content-Length"))
	require.Empty(t, head.Body.String())

	whole := w.get(file)
	require.Equal(t, "public, max-age=3600", whole.Header().Get("Cache-Control"))
	require.Equal(t, "private, no-cache", w.get(file, "Api-Key", w.key).Header().Get("Cache-Control"))
	require.Equal(t, 304, w.get(file, "If-None-Match", whole.Header().Get("ETag")).Code)
	require.Equal(t, 200, w.get(file, "If-None-Match", `"other"`).Code)
	require.Equal(t, 304, w.get(file, "If-Modified-Since", whole.Header().Get("Last-Modified")).Code)
	require.Equal(t, "no-store", w.get(file+"x").Header().Get("Cache-Control"), "it may be there tomorrow")
	require.Equal(t, "no-store", w.get("/api/assets/"+a.Text("_id")).Header().Get("Cache-Control"), "a document changes")

	scaled := "/api/assets/image/" + upload(t, w.store, "a.png", "", picture(t, 4, 4)).Text("_id") + "?w=2&h=2&o=1"
	require.Equal(t, "public, max-age=3600", w.get(scaled).Header().Get("Cache-Control"))
	require.Equal(t, "private, no-cache", w.get(scaled, "Api-Key", w.key).Header().Get("Cache-Control"))
	require.Equal(t, 304, w.get(scaled, "If-None-Match", w.get(scaled).Header().Get("ETag")).Code)
}

// Only files with a document are served, whatever lies in the folder or beside it.
func TestOnlyDocumentsAreServed(t *testing.T) {
	w := newWorld(t, true, false)
	a := upload(t, w.store, "a.txt", "", "mine")
	path := a.Text("path")
	require.NoError(t, os.WriteFile(filepath.Join(w.folder, "left.txt"), []byte("left"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(w.folder), "outside.txt"), []byte("outside"), 0o600))
	for _, address := range []string{
		"/left.txt", "/", "", filepath.Dir(path), path + "/", path + "%00", "/../outside.txt", "/..%2foutside.txt", "/%2e%2e/outside.txt", "/..%5coutside.txt",
		"/2030/..%2f..%2foutside.txt", "/%ff", strings.ToUpper(path), strings.Replace(path, "/", "//", 1), "/" + strings.Repeat("a", 5000),
	} {
		answer := w.get("/storage/uploads" + address)
		require.Contains(t, []int{301, 307, 404}, answer.Code, address)
		require.NotContains(t, answer.Body.String(), "left")
		require.NotContains(t, answer.Body.String(), "outside"+"\n")
	}
	for _, id := range []string{"nope", "%00", "..%2f..", "a%2fb", "%ff", "%27%20OR%20%271%27=%271"} {
		require.Equal(t, 404, w.get("/api/assets/"+id).Code, id)
		require.Equal(t, 404, w.get("/api/assets/image/"+id+"?w=1&o=1").Code, id)
	}
	// A link that was put into the place of a file leads nowhere, and neither does a pipe.
	require.NoError(t, os.Remove(filepath.Join(w.folder, path)))
	require.Equal(t, 404, w.get("/storage/uploads"+path).Code)
	require.NoError(t, os.Symlink(filepath.Join(filepath.Dir(w.folder), "outside.txt"), filepath.Join(w.folder, path)))
	answer := w.get("/storage/uploads" + path)
	require.NotEqual(t, 200, answer.Code)
	require.NotContains(t, answer.Body.String(), "outside")
	require.NoError(t, w.store.Delete(t.Context(), a.Text("_id")))
	require.Equal(t, 404, w.get("/api/assets/"+a.Text("_id")).Code)
	require.FileExists(t, filepath.Join(filepath.Dir(w.folder), "outside.txt"))
}

// A file that is deleted is not served from the next request on, even if the document cannot be deleted.
func TestDeletionWithoutDatabase(t *testing.T) {
	s, db, folder := opened(t)
	a := upload(t, s, "a.txt", "", "x")
	_, err := db.Exec(`CREATE TRIGGER crash BEFORE DELETE ON cms_assets BEGIN SELECT RAISE(ABORT, 'crash'); END`)
	require.NoError(t, err)
	require.Error(t, s.Delete(t.Context(), a.Text("_id")))
	require.Empty(t, filesIn(t, folder))
	_, err = db.Exec(`DROP TRIGGER crash`)
	require.NoError(t, err)
	require.NoError(t, s.Delete(t.Context(), a.Text("_id")))
}

// With bare, what Cockpit does not have is an empty page.
func TestBare(t *testing.T) {
	w := newWorld(t, true, true)
	a := upload(t, w.store, "a.png", "", picture(t, 2, 2))
	for _, path := range []string{"/api/assets/none", "HEAD /api/assets/" + a.Text("_id"), "HEAD /api/assets/image/" + a.Text("_id") + "?w=1&o=1"} {
		answer := w.get(path)
		require.Equal(t, 404, answer.Code, path)
		require.Empty(t, answer.Body.String())
		require.Equal(t, "text/html;charset=UTF-8", answer.Header().Get("Content-Type"))
	}
	require.Equal(t, 200, w.get("HEAD /storage/uploads"+a.Text("path")).Code)
}

// picture returns a PNG whose left half is red, and whose right half is blue.
func picture(t testing.TB, w, h int) string {
	var out bytes.Buffer
	require.NoError(t, png.Encode(&out, halves(w, h)))
	return out.String()
}

func halves(w, h int) image.Image {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			if x < w/2 {
				m.SetNRGBA(x, y, color.NRGBA{R: 255, A: 255})
			} else {
				m.SetNRGBA(x, y, color.NRGBA{B: 255, A: 255})
			}
		}
	}
	return m
}

func TestPictures(t *testing.T) {
	w := newWorld(t, true, false)
	var asJPEG bytes.Buffer
	require.NoError(t, jpeg.Encode(&asJPEG, halves(48, 72), nil))
	inPNG := "/api/assets/image/" + upload(t, w.store, "a", "", picture(t, 64, 40)).Text("_id")
	inJPEG := "/api/assets/image/" + upload(t, w.store, "b", "", asJPEG.String()).Text("_id")
	for address, want := range map[string]struct {
		format        string
		width, height int
	}{
		inPNG + "?w=10&h=10":                 {"png", 10, 10},
		inPNG + "?w=200&h=100&m=thumbnail":   {"png", 200, 100},
		inPNG + "?w=16":                      {"png", 16, 10},
		inPNG + "?h=10":                      {"png", 16, 10},
		inPNG + "?w=1&h=2500":                {"png", 1, 2500},
		inPNG + "?w=10&h=10&mime=jpg":        {"jpeg", 10, 10},
		inPNG + "?w=99&w=10&h=10":            {"png", 10, 10},
		inPNG + "?w=20&h=20&m=resize":        {"png", 20, 20},
		inJPEG + "?w=24&h=12&m=thumbnail":    {"jpeg", 24, 12},
		inJPEG + "?w=10&mime=png":            {"png", 10, 15},
		inJPEG + "?w=24&h=12&m=resize&q=abc": {"jpeg", 24, 12},
	} {
		answer := w.get(address + "&o=1")
		require.Equal(t, 200, answer.Code, "%s: %s", address, answer.Body)
		require.Equal(t, "image/"+want.format, answer.Header().Get("Content-Type"), address)
		config, format, err := image.DecodeConfig(answer.Body)
		require.NoError(t, err, address)
		require.Equal(t, want.format, format, address)
		require.Equal(t, []int{want.width, want.height}, []int{config.Width, config.Height}, address)
	}
	// A thumbnail cuts the middle out, and resizing keeps the whole picture.
	colours := func(address string) (left, right uint32) {
		m, err := png.Decode(w.get(address + "&o=1").Body)
		require.NoError(t, err)
		r, _, _, _ := m.At(0, m.Bounds().Dy()/2).RGBA()
		_, _, b, _ := m.At(m.Bounds().Dx()-1, m.Bounds().Dy()/2).RGBA()
		return r >> 8, b >> 8
	}
	for _, query := range []string{"?w=10&h=10", "?w=10&h=10&m=resize", "?w=10&h=40", "?w=64&h=2"} {
		left, right := colours(inPNG + query)
		require.Greater(t, min(left, right), uint32(200), query)
	}

	for address, problem := range map[string]string{
		inPNG + "?o=1":                         "Target width or height parameter is missing",
		inPNG + "?w=abc&h=0":                   "Target width or height parameter is missing",
		inPNG + "?w=-5&h=-5":                   "Target width or height parameter is missing",
		inPNG + "?w=10&m=bestFit":              "The mode <bestFit> is not supported: use thumbnail or resize",
		inPNG + "?w=10&m=Thumbnail":            "The mode <Thumbnail> is not supported: use thumbnail or resize",
		inPNG + "?w=10&mime=webp":              "The format <webp> is not supported: use jpg or png",
		inPNG + "?w=10&fp=0.5+0.5":             "<fp=0.5 0.5> is not supported",
		inPNG + "?w[]=10&h=10":                 "<w[]=10> is not supported",
		inPNG + "?w=original&h=10":             "<w=original> is not supported",
		inPNG + "?w=2501&h=1":                  "The picture would be 2501 x 1: a side has at most 2500 pixels here",
		inPNG + "?w=1&h=9223372036854775807":   "The picture would be 1 x 9223372036854775807: a side has at most 2500 pixels here",
		inPNG + "?h=2500":                      "The picture would be 4000 x 2500: a side has at most 2500 pixels here",
		"/api/assets/image/none?h=9&m=bestFit": "The mode <bestFit> is not supported: use thumbnail or resize",
	} {
		answer := w.get(address)
		require.Equal(t, 400, answer.Code, address)
		require.Contains(t, unescaped(answer.Body.String()), problem, address)
		require.Equal(t, "no-store", answer.Header().Get("Cache-Control"), address)
	}
	require.Equal(t, 404, w.get("/api/assets/image/"+upload(t, w.store, "c", "", "text").Text("_id")+"?w=1&o=1").Code)
	require.Equal(t, 400, w.get("/api/assets/image/"+upload(t, w.store, "d", "", "GIF89a\x01\x00\x01\x00").Text("_id")+"?w=1&o=1").Code)
	drawing := w.get("/api/assets/image/" + upload(t, w.store, "e", "", "<svg onload='alert(1)'/>").Text("_id") + "?w=1&o=1")
	require.Equal(t, "<svg onload='alert(1)'/>", drawing.Body.String())
	require.Contains(t, drawing.Header().Get("Content-Security-Policy"), "sandbox")
}

func unescaped(s string) string { return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(s) }

// Without o=1 the answer is the picture's address, without the key in it.
func TestAddressesOfPictures(t *testing.T) {
	w := newWorld(t, true, false)
	id := upload(t, w.store, "a", "", picture(t, 64, 40)).Text("_id")
	want := "https://example.com/api/assets/image/" + id + "?h=5&o=1&w=8"
	require.Equal(t, want, w.get("/api/assets/image/"+id+"?w=8&h=5").Body.String())
	answer := w.get("/api/assets/image/" + id + "?w=8&h=5&re=1")
	require.Equal(t, 302, answer.Code)
	require.Contains(t, answer.Header().Get("Location"), "https://example.com/api/assets/image/"+id+"?h=5&o=1&")
	require.Empty(t, answer.Body.String())
	require.NotContains(t, w.get("/api/assets/image/"+id+"?w=8&t=%3Cscript%3E").Body.String(), "<")
}

// A picture that says that it is huge is refused before it is decoded, and so is one that is broken.
func TestBombs(t *testing.T) {
	w := newWorld(t, true, false)
	header := func(width, height uint32) string {
		chunk := append([]byte("IHDR"), make([]byte, 13)...)
		binary.BigEndian.PutUint32(chunk[4:], width)
		binary.BigEndian.PutUint32(chunk[8:], height)
		chunk[12], chunk[13] = 8, 6
		out := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), chunk...)
		return string(binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(chunk)))
	}
	for _, body := range []string{header(1<<30, 1<<30), header(50_000, 50_000), header(5001, 5000), header(1, 1), header(0, 5), picture(t, 9, 9)[:60], "\xff\xd8\xff\xe0 no"} {
		a := upload(t, w.store, "a.png", "", body)
		start := time.Now()
		answer := w.get("/api/assets/image/" + a.Text("_id") + "?w=10&h=10&o=1")
		require.Equal(t, 400, answer.Code, "%q", body)
		require.Contains(t, answer.Body.String(), "The picture cannot be read")
		require.Less(t, time.Since(start), 5*time.Second)
	}
}
