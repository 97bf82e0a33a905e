package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/examples/cms/assets"
	"github.com/latchkey-go/latchkey/roles"
)

// assetDifferences says which recorded answers about assets differ here, with our statuses, and why.
var assetDifferences = []struct {
	why      string
	statuses []int
	patterns []string // in the syntax of path.Match
}{
	{"without a key, documents and files are shown while the public API is open, which takes a role that exists", []int{401, 412}, []string{
		"asset-public-null/*", "asset-public-off/static"}},
	{"the address of a scaled picture is that of the picture itself: there is no folder of thumbnails", []int{200}, []string{
		"asset/address", "asset/o-true", "asset/o-zero"}},
	{"pictures are scaled with thumbnail and resize, as JPEG and PNG; another mode, format, parameter or preset is refused", []int{400, 404}, []string{
		"asset/mode-*bestFit", "asset/mode-*fitTo*", "asset/h-only-fit", "asset/w-only-best", "asset/unknown-mode", "asset/mode-case", "asset/jpg-original",
		"asset/webp", "asset/image-webp", "asset/gif", "asset/bmp", "asset/avif", "asset/mime-unknown", "asset/jpg-webp",
		"asset/fp", "asset/fp-word", "asset/filter-*", "asset/smartcrop", "asset/base64", "asset/array-w", "asset/preset-*"}},
}

// A recordedAsset is an exchange about assets. Files have a digest instead of a body.
type recordedAsset struct {
	exchange
	Unsafe       bool
	CockpitError bool `json:"cockpit_error"`
	Response     struct {
		Status      int
		ContentType string `json:"content-type"`
		Body        string
		SHA256      string
		HTML        bool
		Location    string
		Image       struct {
			Format        string
			Width, Height int
		}
	}
}

// The recorded requests for assets get the recorded answers here: the same status, document, file, and size and format of
// pictures. Differences are listed above, all of them.
func TestReplayOfAssets(t *testing.T) {
	onEach(t, func(t *testing.T, first config) {
		text, err := os.ReadFile("testdata/cockpit-clients-assets.jsonl")
		require.NoError(t, err)
		var server *httptest.Server
		state, demanded, same, used := "", 0, 0, map[string]int{}
		for line := range strings.Lines(string(text)) {
			var e recordedAsset
			require.NoError(t, json.Unmarshal([]byte(line), &e))
			if e.Unsafe || e.CockpitError {
				continue
			}
			if demanded++; server == nil || state != e.State.Public {
				server, state = startWithAssets(t, another(t, first), e.State.Public), e.State.Public
			}
			status, difference := e.replay(t, server.URL)
			pattern := ""
			for _, d := range assetDifferences {
				for _, p := range d.patterns {
					if ok, err := path.Match(p, e.ID); ok && err == nil {
						pattern = p
						used[p]++
						require.Contains(t, d.statuses, status, "%s: %s", e.ID, difference)
					}
				}
			}
			if difference == "" {
				same++
			}
			require.Equal(t, pattern != "", difference != "", "%s: %q: %s", e.ID, pattern, difference)
		}
		for _, d := range assetDifferences {
			for _, p := range d.patterns {
				require.NotZero(t, used[p], "%q covers nothing", p)
			}
		}
		require.Equal(t, 107, demanded)
		t.Logf("%d of %d answers are the same; the others differ for %d reasons", same, demanded, len(assetDifferences))
	})
}

// startWithAssets serves the fixture with the recorded assets.
func startWithAssets(t *testing.T, c config, public string) *httptest.Server {
	t.Helper()
	c.load, c.profile, c.uploads = fixture, "cockpit", t.TempDir()
	n := anotherNode(t, c)
	_, err := n.fill(t.Context(), c.load)
	require.NoError(t, err)
	addRecorded(t, n)
	s := newScreen(t, n)
	if public == "role uploader" {
		writes := []string{"assets/edit", "assets/upload"}
		require.NoError(t, n.lk.Admin.CreateRole(t.Context(), s.by, roles.Role{AppID: "uploader", Name: "Uploader",
			Permissions: roles.Grants{writes[0]: true, writes[1]: true}}))
		preview, err := n.lk.Admin.PreviewPublic(t.Context(), s.by, "uploader")
		require.NoError(t, err)
		_, err = n.lk.Admin.OpenPublic(t.Context(), s.by, "uploader", admin.Confirmation{Token: preview.Token, Acknowledged: writes})
		require.NoError(t, err)
	} else {
		s.public(t, strings.Replace(public, "web", "role web", 1))
	}
	server := httptest.NewServer(n.site())
	t.Cleanup(server.Close)
	return server
}

func addRecorded(t *testing.T, n *node) {
	t.Helper()
	text, err := os.ReadFile("testdata/cockpit-assets.json")
	require.NoError(t, err)
	var recorded struct{ Assets []assets.Asset }
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&recorded))
	require.Len(t, recorded.Assets, 4)
	for _, a := range recorded.Assets {
		f, err := os.Open(filepath.Join("testdata/cockpit-assets", a.Text("path")))
		require.NoError(t, err)
		require.NoError(t, n.assets.Add(t.Context(), a, f, 1<<20, nil))
		require.NoError(t, f.Close())
	}
}

// replay sends the request, and returns our status and the difference, or "".
func (e *recordedAsset) replay(t *testing.T, url string) (status int, difference string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), e.Request.Method, url+e.Request.Path, strings.NewReader(e.Request.Body))
	require.NoError(t, err, e.ID)
	for name, value := range e.Request.Headers {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err, e.ID)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err, e.ID)
	is, want := response.Header.Get("Content-Type"), e.Response
	sum := sha256.Sum256(body)
	config, format, _ := image.DecodeConfig(bytes.NewReader(body))
	switch {
	case response.StatusCode != want.Status:
		difference = fmt.Sprintf("%d %s, not %d", response.StatusCode, body, want.Status)
	case want.HTML || want.Location != "":
	case media(is) != media(want.ContentType):
		difference = fmt.Sprintf("%s, not %s", is, want.ContentType)
	case want.Image.Format != "" && strings.HasPrefix(e.Request.Path, "/api/"):
		if format != want.Image.Format || config.Width != want.Image.Width || config.Height != want.Image.Height {
			difference = fmt.Sprintf("%s %dx%d, not %v", format, config.Width, config.Height, want.Image)
		}
	case want.SHA256 != "":
		if hex.EncodeToString(sum[:]) != want.SHA256 {
			difference = "another file"
		}
	case media(is) == "application/json":
		theirs, ours := parse(t, want.Body), parse(t, string(body))
		if fmt.Sprint(theirs) != fmt.Sprint(ours) {
			difference = fmt.Sprintf("%v, not %v", ours, theirs)
		}
	case string(body) != want.Body:
		difference = fmt.Sprintf("%q, not %q", body, want.Body)
	}
	if strings.Contains(want.Body, "/storage/tmp/thumbs/") && response.StatusCode == 200 {
		require.Regexp(t, `^`+url+`/api/assets/image/[0-9a-f]+\?[^ <]*o=1`, string(body), e.ID)
		require.NotContains(t, string(body), "api_key")
	}
	return response.StatusCode, difference
}

func media(contentType string) string {
	m, _, _ := strings.Cut(contentType, ";")
	return strings.TrimSpace(m)
}
