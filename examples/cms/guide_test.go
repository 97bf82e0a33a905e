package main

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/roles"
)

var requested = regexp.MustCompile("(?m)^\\| `(GET|POST) (/[^`]*)` \\| ([0-9]{3})")

// The requests of the guide's tables get the statuses that it says.
func TestCockpitGuide(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../.github/guides/cockpit.md")
	require.NoError(t, err)
	c := config{addr: "127.0.0.1:0", db: filepath.Join(t.TempDir(), "cms.db"), load: fixture, profile: "cockpit"}
	r, key := start(t, c), keyOf(t)("root2")
	addRecorded(t, anotherNode(t, c))
	rows := requested.FindAllStringSubmatch(string(text), -1)
	require.Len(t, rows, 13)
	for _, row := range rows {
		want, err := strconv.Atoi(row[3])
		require.NoError(t, err)
		path := strings.ReplaceAll(row[2], "{id}", "6b0af695686c82ea460e0f94")
		require.Equal(t, want, r.status(t, row[1], path, key), row[0])
	}
	require.Equal(t, 200, r.status(t, "GET", "/api/assets/image/6b0af695686c82ea460e0f94?w=10&o=1", key), "the key is good")
}

// A public role that grants nothing opens assets, and no content.
func TestPublicRoleForFiles(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		c.load, c.uploads = fixture, t.TempDir()
		n := anotherNode(t, c)
		_, err := n.fill(t.Context(), c.load)
		require.NoError(t, err)
		addRecorded(t, n)
		s := newScreen(t, n)
		server := httptest.NewServer(n.site())
		t.Cleanup(server.Close)
		r := &running{url: server.URL}
		const file = "/storage/uploads/2026/11/28/gradient_uid_6b0af695c1e9f.jpg"
		s.public(t, "no document")
		require.Equal(t, 401, r.status(t, "GET", file, ""))
		require.NoError(t, n.lk.Admin.CreateRole(t.Context(), s.by, roles.Role{AppID: "files", Name: "Files"}))
		preview, err := n.lk.Admin.PreviewPublic(t.Context(), s.by, "files")
		require.NoError(t, err)
		open := ""
		for _, route := range preview.Routes {
			open += route.Pattern + "\n"
		}
		require.Contains(t, open, "GET /storage/uploads/{path...}\n")
		_, err = n.lk.Admin.OpenPublic(t.Context(), s.by, "files", admin.Confirmation{Token: preview.Token})
		require.NoError(t, err)
		require.Equal(t, 200, r.status(t, "GET", file, ""))
		require.Equal(t, 200, r.status(t, "GET", "/api/assets/6b0af695686c82ea460e0f95", ""))
		require.Equal(t, 401, r.status(t, "GET", posts, ""))
	})
}
