package json5_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/cms/content/json5"
)

func TestWhatIsRead(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: `{}`, ` [ ] `: `[]`, `null`: `null`, `true`: `true`, `'a'`: `"a"`, "\ufeff\u00a0{}": `{}`,
		`{title:'Hello'}`:                           `{"title":"Hello"}`,
		`{$or:[{a:1,},{_b2:-1}],}`:                  `{"$or":[{"a":1},{"_b2":-1}]}`,
		`{b:1,a:2}`:                                 `{"b":1,"a":2}`, // in their order
		`{größe:1, null:2}`:                         `{"größe":1,"null":2}`,
		"{/* a */ a: 1, // b\n b:2}":                `{"a":1,"b":2}`,
		`[+1, .5, 5., -.5e3, 0x1F, -0xa, 1e5, 0.0]`: `[1,0.5,5.0,-0.5e3,31,-10,1e5,0.0]`,
		`9007199254740993`:                          `9007199254740993`,
		`'it\'s "so"'`:                              `"it's \"so\""`,
		`"\x41\u00e9\ud83d\ude00"`:                  `"Aé😀"`,
		"'a\\\nb\\\r\nc'":                           `"abc"`,
		`"\q\0\v"`:                                  `"q\u0000\u000b"`,
		`"\ud800"`:                                  `"` + "\ufffd" + `"`,
	} {
		got, err := json5.Convert(text)
		require.NoError(t, err, text)
		require.Equal(t, want, string(got), text)
	}
}

func TestWhatIsRefused(t *testing.T) {
	for _, text := range []string{
		``, ` `, `{`, `}`, `{bad`, `[1`, `[,]`, `[1,,2]`, `{,}`, `{a}`, `{a:}`, `{a:1 b:2}`, `{1:2}`, `{a b:1}`, `{"a":1}}`, `{} {}`, `1 2`,
		`'a`, `"a'`, "'a\nb'", `'\x4'`, `'\u12g4'`, `'\1'`, `'\`, `/* a`, `/`, `#`, `undefined`, `NaN`, `Infinity`, `-Infinity`, `nulll`, `truefalse`,
		`+`, `-`, `.`, `+-1`, `--1`, `01`, `1.2.3`, `1e`, `0x`, `0xg`, `0x-1`, `0x11111111111111111`, `1e999`, `1_000`, `{a\u0062:1}`, "\"\xff\"",
		strings.Repeat("[", json5.MaxDepth+1) + strings.Repeat("]", json5.MaxDepth+1), strings.Repeat("[", 1<<20),
	} {
		_, err := json5.Convert(text)
		require.ErrorIs(t, err, json5.ErrSyntax, "%.100s", text)
	}
}

// JSON keeps its meaning, and the output is JSON.
func FuzzConvert(f *testing.F) {
	for _, text := range []string{`{title:'Hello'}`, `{"a":[1,2.5e3,null,true,"\u00e9\n"]}`, `[+.5,0x1f,]`, `// a`, `{"a":1e5,}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := json5.Convert(text)
		if err != nil {
			require.ErrorIs(t, err, json5.ErrSyntax)
			var any any
			if strings.Count(text, "[")+strings.Count(text, "{") <= json5.MaxDepth && json.Unmarshal([]byte(text), &any) == nil {
				require.ErrorContains(t, err, "UTF-8", "encoding/json reads %q", text)
			}
			return
		}
		require.True(t, json.Valid(got), "%q from %q", got, text)
		var here, there any
		if json.Unmarshal([]byte(text), &there) == nil {
			require.NoError(t, json.Unmarshal(got, &here))
			require.Equal(t, there, here, "%q", text)
		}
		again, err := json5.Convert(string(got))
		require.NoError(t, err)
		require.Equal(t, string(got), string(again))
	})
}

func Example() {
	text, err := json5.Convert(`{title: 'Hello', /* at least */ views: {$gte: +10}}`)
	fmt.Println(string(text), err)
	// Output: {"title":"Hello","views":{"$gte":10}} <nil>
}
