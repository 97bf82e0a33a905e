package cockpit_test

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// What the rules make of a request that shows no key that could decide.
const (
	refused   = "\x00refused"
	anonymous = "\x00anonymous"
)

// decider spells the profile's rules a second time, plainly and slowly: it returns the text of the key that decides,
// whether it is good or not, or refused, or anonymous.
func decider(query string, apiKey, authorization, xAPIKey []string, format keys.Format) string {
	var shown []string
	for _, pair := range strings.Split(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if name == "api_key" && !strings.Contains(value, ";") {
			shown = append(shown, decode(value))
			continue
		}
		for _, piece := range strings.Split(pair, ";") {
			odd, value, _ := strings.Cut(piece, "=")
			if likeAPIKey.MatchString(decode(odd)) || wholeKey.MatchString(decode(odd)) || wholeKey.MatchString(decode(value)) {
				return refused
			}
		}
		if decode(name) == "access_token" {
			return refused
		}
	}
	if len(shown) > 1 || len(apiKey) > 1 || len(authorization) > 1 {
		return refused
	}
	shown = append(shown, apiKey...)
	for _, value := range authorization {
		if !beginsLikeBearer.MatchString(value) {
			user, password, _ := (&http.Request{Header: http.Header{"Authorization": {value}}}).BasicAuth()
			if value == "" || format.Contains(value) || format.Contains(decode(user)) || format.Contains(decode(password)) {
				return refused
			}
			continue
		}
		token := value[len("Bearer"):]
		if token != "" && token[0] != ' ' {
			return refused
		}
		shown = append(shown, strings.TrimLeft(token, " "))
	}
	for _, value := range xAPIKey {
		if format.Contains(value) {
			return refused
		}
	}
	for _, key := range shown {
		if len(key) == 0 || len(key) > 256 || key[0] <= ' ' || key[len(key)-1] <= ' ' || strings.Contains(key, ",") {
			return refused
		}
	}
	if len(shown) == 0 {
		return anonymous
	}
	return shown[0]
}

var (
	// The parameter api_key in all spellings that some server or other takes for it.
	likeAPIKey       = regexp.MustCompile(`(?s)^ *[aA][pP][iI][_\-. \[][kK][eE][yY](|[ \[\x00].*)$`)
	wholeKey         = regexp.MustCompile(`^[\x00-\x20]*(USR|API)-[0-9a-fA-F]{40}[\x00-\x20]*$`)
	beginsLikeBearer = regexp.MustCompile(`^[bB][eE][aA][rR][eE][rR]`)
	encoded          = regexp.MustCompile(`\+|%[0-9a-fA-F]{2}`)
)

// decode leaves what is malformed as it stands.
func decode(text string) string {
	return encoded.ReplaceAllStringFunc(text, func(code string) string {
		b, err := hex.DecodeString(strings.TrimPrefix(code, "%"))
		if err != nil {
			return " "
		}
		return string(b)
	})
}

// FuzzConfigure puts anything into the query and the headers: bit i of present says that header i is there, bit i+3 that
// it is there twice. In the texts, GOOD, ALSO, ENDED and OLD stand for keys.
func FuzzConfigure(f *testing.F) {
	ring, err := keys.Open(keys.Config{Store: keys.NewMemoryStore(), ImportedKeys: true})
	require.NoError(f, err)
	f.Cleanup(func() { _ = ring.Close(context.Background()) })
	ids, names, inQuery := map[string]string{}, []string{}, []string{}
	add := func(name, text, id string) {
		ids[text] = id
		names = append(names, name, text)
		inQuery = append(inQuery, name, url.QueryEscape(text))
	}
	for _, name := range []string{"GOOD", "ALSO", "ENDED"} {
		issued, err := ring.IssueCustom(f.Context(), keys.Custom{Name: name, Role: "web"})
		require.NoError(f, err)
		add(name, issued.Key.Reveal(), issued.Record.ID)
		if name == "ENDED" {
			require.NoError(f, ring.Invalidate(f.Context(), issued.Record.ID))
			delete(ids, issued.Key.Reveal())
		}
	}
	const old = "Grüße; 50% an Lager+Versand & 7f3a9c41d8e2b60597aa14c3"
	rec, err := ring.Import(f.Context(), keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey(old), Name: "OLD", Role: "web"})
	require.NoError(f, err)
	add("OLD", old, rec.ID)
	guard, err := auth.New(cockpit.Configure(auth.Config{
		Keys: ring, Anonymous: &publicRole{role: "web"}, Roles: roles.MustCompile(roles.Role{AppID: "web"}),
	}))
	require.NoError(f, err)
	spelt, escaped := strings.NewReplacer(names...), strings.NewReplacer(inQuery...)

	for _, query := range []string{
		"", "api_key=GOOD", "api_key=OLD", "api_key=ENDED", "api_key=", "api_key", "api_key=%20", "api_key=GOOD&api_key=GOOD", "x=1&api_key=ALSO&y", "api%5Fkey=GOOD", "API_KEY=GOOD",
		"api_key[]=GOOD", "api_key[$ne]=", "a=1;api_key=GOOD", "api_key=GOOD;a=1", "api_key=GOOD,ALSO", "api_key=GOOD%2C", "+api.key=GOOD", "api_key%00=GOOD", "access_token=1", "%61ccess_token",
		"api_key=%zz&q=%", "api_key=" + strings.Repeat("%41", 257), "api_keys=GOOD", "q=api_key", "api_key=GOOD%20", "api_key==GOOD", "api_key%3D=GOOD",
	} {
		f.Add(query, "", "", "", uint8(0))
		f.Add(query, "ALSO", "Bearer GOOD", "theirs", uint8(7))
		f.Add(query, "junk", "Bearer ENDED", "", uint8(3))
	}
	for _, value := range []string{"GOOD", "OLD", "ENDED", "", " ", "GOOD,ALSO", "junk", "Basic dTpw", "Token GOOD", "Bearer", "Bearer  OLD", "bearer GOOD", "Bearer: GOOD", "Bearer GOOD, ALSO", "\tGOOD"} {
		for present := range uint8(8) {
			f.Add("", value, value, value, present)
			f.Add("api_key=GOOD", value, value, value, present|present<<3)
		}
	}
	f.Fuzz(func(t *testing.T, query, apiKey, authorization, xAPIKey string, present uint8) {
		if len(authorization) > 1000 {
			t.Skip("of a longer Basic not all is decoded")
		}
		query = escaped.Replace(query)
		h := http.Header{}
		for i, name := range []string{"Api-Key", "Authorization", "X-Api-Key"} {
			for _, bit := range []uint8{1 << i, 8 << i} {
				if present&bit != 0 {
					h[name] = append(h[name], spelt.Replace([]string{apiKey, authorization, xAPIKey}[i]))
				}
			}
		}
		want := decider(query, h["Api-Key"], h["Authorization"], h["X-Api-Key"], guard.Format())
		p, err := guard.CheckCall(t.Context(), auth.Call{Header: h, Query: query})
		refusal, _ := errors.AsType[*auth.Refusal](err)
		switch id, good := ids[want]; {
		case want == anonymous:
			require.NoError(t, err)
			require.Equal(t, auth.KindPublic, p.Kind())
		case good:
			require.NoError(t, err)
			require.Equal(t, id, p.KeyID())
		default:
			require.NotNil(t, refusal, "%q decides, but %v was let in", want, p)
			require.Contains(t, []int{400, 401}, refusal.Status)
			require.NotEqual(t, auth.ReasonMissingKey, refusal.Reason)
		}
	})
}
