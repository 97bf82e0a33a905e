package form_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/cms/content/form"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		`a=1&b=x+y%3Dz`:                         `{"a":"1","b":"x y=z"}`,
		`a=1&a=2`:                               `{"a":"2"}`, // the last one
		`a&&b=&=c`:                              `{"a":"","b":""}`,
		`a=1;b=2`:                               `{"a":"1;b=2"}`, // a semicolon separates nothing
		`a.b=1&c d=2`:                           `{"a_b":"1","c_d":"2"}`,
		`sort[b]=-1&sort[a]=1`:                  `{"sort":{"b":"-1","a":"1"}}`, // in their order
		`f[a][$in][]=x&f[a][$in][]=y`:           `{"f":{"a":{"$in":["x","y"]}}}`,
		`f[$or][0][a]=1&f[$or][1][b]=2`:         `{"f":{"$or":[{"a":"1"},{"b":"2"}]}}`,
		`f[1]=a&f[0]=b`:                         `{"f":{"1":"a","0":"b"}}`,
		`f[5]=a&f[]=b`:                          `{"f":{"5":"a","6":"b"}}`,
		`f=1&f[a]=2`:                            `{"f":{"a":"2"}}`,
		`f[a]=2&f=1`:                            `{"f":"1"}`,
		`f[a.b]=1`:                              `{"f":{"a.b":"1"}}`,
		`f[a]["]=1`:                             `{"f":{"a":{"\"":"1"}}}`,
		`%66%5Ba%5D=1`:                          `{"f":{"a":"1"}}`,
		strings.Repeat("a=1&", 900) + "f[]=%00": `{"a":"1","f":["\u0000"]}`,
	} {
		values, err := form.Parse(text)
		require.NoError(t, err, text)
		got := map[string]json.RawMessage{}
		for name, v := range values {
			got[name] = json.RawMessage(v.Text)
			if !v.Composite {
				got[name], _ = json.Marshal(v.Text)
			}
		}
		encoded, err := json.Marshal(got)
		require.NoError(t, err, text)
		require.Equal(t, want, string(encoded), text)
	}
	for _, text := range []string{`a=%zz`, `%zz=a`, `a[b=1`, `a[b]c=1`, `a[b]]=1`, `a[[b]]=1`, `[a]=1`, strings.Repeat("a=1&", 1001), "a" + strings.Repeat("[b]", 100) + "=1"} {
		_, err := form.Parse(text)
		require.ErrorIs(t, err, form.ErrSyntax, "%.50s", text)
	}
}

func TestObject(t *testing.T) {
	values, err := form.Object([]byte(`{"a": "x", "b": 1, "c": {"d": 1}, "e": null, "f": [1], "g": "[1]"}`))
	require.NoError(t, err)
	require.Equal(t, form.Values{"a": {Text: "x"}, "b": {Text: "1"}, "c": {Text: `{"d": 1}`, Composite: true}, "f": {Text: "[1]", Composite: true}, "g": {Text: "[1]"}}, values)
	for _, text := range []string{``, `[]`, `{"a":1} {}`, `{"a":`} {
		_, err := form.Object([]byte(text))
		require.ErrorIs(t, err, form.ErrSyntax, text)
	}
	require.Equal(t, form.Values{"a": {Text: "2"}}, form.Join(form.Values{"a": {Text: "1"}}, form.Values{"a": {Text: "2"}}))
}

func FuzzParse(f *testing.F) {
	f.Add("a[b][]=1&a[c]=%20")
	f.Fuzz(func(t *testing.T, text string) {
		values, err := form.Parse(text)
		for _, v := range values {
			require.True(t, err == nil && (!v.Composite || json.Valid([]byte(v.Text))))
		}
	})
}
