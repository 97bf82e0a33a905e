package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The description of the API says what each operation needs, as the guard decides it.
func TestOpenAPISaysWhatEachOperationNeeds(t *testing.T) {
	s := newSite(t, "huma")
	resp, body := send(t, "GET", listen(t, s.handler)+"/openapi.json", "", withKey(""))
	require.Equal(t, 200, resp.StatusCode)
	type security = []map[string][]string
	var doc struct {
		Components struct{ SecuritySchemes map[string]map[string]string }
		Paths      map[string]map[string]struct{ Security security }
	}
	require.NoError(t, json.Unmarshal([]byte(body), &doc))
	require.Equal(t, map[string]map[string]string{
		"apiKey": {"type": "apiKey", "in": "header", "name": "api-key"},
		"bearer": {"type": "http", "scheme": "bearer"},
	}, doc.Components.SecuritySchemes)

	got := map[string]security{}
	for path, item := range doc.Paths {
		for method, op := range item {
			got[strings.ToUpper(method)+" "+path] = op.Security
		}
	}
	read, create := []string{"content/pages/read"}, []string{"content/{model}/create"}
	require.Equal(t, map[string]security{
		"GET /api/pages/menus":      {{}, {"apiKey": read}, {"bearer": read}}, // the public role has it
		"POST /api/content/{model}": {{"apiKey": create}, {"bearer": create}},
	}, got)
}
