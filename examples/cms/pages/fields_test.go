package pages

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/cms/content"
)

var model = content.Model{Name: "m", Type: content.Collection, Fields: []content.Field{
	{Name: "title", Type: "text"}, {Name: "body", Type: "longtext"}, {Name: "price", Type: "number"},
	{Name: "sold", Type: "boolean"}, {Name: "day", Type: "date"}, {Name: "tags", Type: "set"},
}}

// A form that is not changed returns the same values.
func TestFormsKeepWhatTheyShow(t *testing.T) {
	for _, item := range []content.Item{
		{"title": "A <b>", "body": "two\nlines", "price": json.Number("9007199254740993"), "sold": true, "day": "2030-01-31", "tags": []any{"x", json.Number("1.50")}},
		{"title": "", "body": "", "price": nil, "sold": false, "day": nil, "tags": nil},
		{"title": map[string]any{"odd": true}, "body": json.Number("7"), "price": "text", "sold": "yes", "day": false, "tags": "x"},
	} {
		form := url.Values{}
		for _, in := range inputs(model, item) {
			if in.Kind != "boolean" || in.Checked {
				form.Set(in.Name, in.Value)
			}
			if in.Kind == "boolean" && in.Checked {
				form.Set(in.Name, "1")
			}
		}
		fields, problem := filled(model, item, form)
		require.NoError(t, problem)
		require.Equal(t, item, fields)
	}
}

func TestWhatFormsRefuse(t *testing.T) {
	for name, value := range map[string]string{
		"f.price": "12,50", "f.day": "31.1.2030", "f.tags": "{", "document": "[]",
	} {
		m := model
		if name == "document" {
			m = content.Model{Name: "any", Type: content.Collection}
		}
		_, problem := filled(m, content.Item{}, url.Values{name: {value}})
		require.Error(t, problem, "%s=%s", name, value)
	}
	fields, problem := filled(model, content.Item{}, url.Values{"f._state": {"1"}, "_state": {"1"}, "f.other": {"x"}})
	require.NoError(t, problem)
	require.NotContains(t, fields, "_state")
	require.NotContains(t, fields, "other")
	loaded := content.Model{Name: "any", Type: content.Collection, Fields: []content.Field{{Name: "_state", Type: "number"}, {Name: "title", Type: "text"}}}
	fields, problem = filled(loaded, content.Item{}, url.Values{"f._state": {"1"}, "f.title": {"x"}})
	require.NoError(t, problem)
	require.NotContains(t, fields, "_state", "to publish takes more than a field of this name")

	free := content.Model{Name: "any", Type: content.Collection}
	fields, problem = filled(free, content.Item{"_id": "x", "old": true}, url.Values{"document": {`{"new": 1, "_state": 1}`}})
	require.NoError(t, problem)
	require.Equal(t, content.Item{"new": json.Number("1"), "old": nil}, fields, "what was taken out is emptied, and nothing published")
}

// A client with many addresses of one network is one guesser.
func TestNetwork(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		require.Equal(t, want, network(netip.MustParseAddr(address)), address)
	}
}
