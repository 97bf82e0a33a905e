package adminapi

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheDocumentHasEveryRoute compares what Handler registers with the document, in both directions. What the answers
// look like is checked in examples/internal/adminapi, with a validator.
func TestTheDocumentHasEveryRoute(t *testing.T) {
	type parameter struct {
		Ref  string `json:"$ref"`
		Name string
		In   string
	}
	var document struct {
		Paths      map[string]map[string]struct{ Parameters []parameter }
		Components struct{ Parameters map[string]parameter }
	}
	require.NoError(t, json.Unmarshal(openAPI, &document))
	documented := map[string][]string{}
	for path, operations := range document.Paths {
		for method, operation := range operations {
			pattern := strings.ToUpper(method) + " " + path
			documented[pattern] = nil
			for _, p := range operation.Parameters {
				if p.Ref != "" {
					p = document.Components.Parameters[strings.TrimPrefix(p.Ref, "#/components/parameters/")]
				}
				require.NotEmpty(t, p.Name)
				if p.In == "query" {
					documented[pattern] = append(documented[pattern], p.Name)
				}
			}
		}
	}
	require.Contains(t, documented, "GET /openapi.json")
	delete(documented, "GET /openapi.json")

	registered := map[string][]string{}
	for pattern, route := range (&api{}).routes() {
		registered[pattern] = route.query
	}
	for _, all := range []map[string][]string{documented, registered} {
		for _, query := range all {
			slices.Sort(query)
		}
	}
	require.Greater(t, len(registered), 25)
	require.Equal(t, documented, registered)
}
