package roles_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/roles"
)

// hostile is one line of testdata/hostile.jsonl. Its first line explains the format.
type hostile struct {
	ID, Layer, Name, Role, Permission, Expect, Why string
	AppID                                          string
	Permissions, Roles                             json.RawMessage
}

// exceptions are entries that are wrong against the design, each with the reason. There are none.
var exceptions = map[string]string{}

func TestHostileCorpus(t *testing.T) {
	ctx := context.Background()
	file, err := os.Open("testdata/hostile.jsonl")
	require.NoError(t, err)
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)

	require.True(t, lines.Scan())
	var meta struct{ Roles map[string]roles.Role }
	require.NoError(t, json.Unmarshal(lines.Bytes(), &meta))
	var fixtures []roles.Role
	for appid, role := range meta.Roles {
		role.AppID = appid
		fixtures = append(fixtures, role)
	}
	policy := roles.MustCompile(fixtures...)

	ran := map[string]int{}
	for lines.Scan() {
		var c hostile
		require.NoError(t, json.Unmarshal(lines.Bytes(), &c))
		if why, ok := exceptions[c.ID]; ok {
			t.Logf("%s is left out: %s", c.ID, why)
			continue
		}
		ran[c.Layer]++
		t.Run(c.ID+"-"+c.Name, func(t *testing.T) {
			switch c.Layer {
			case "eval":
				require.Equal(t, c.Expect == "accept", policy.Allows(c.Role, expand(c.Permission)), c.Why)
				require.Equal(t, c.Expect == "accept", policy.Explain(c.Role, expand(c.Permission)).Allowed, c.Why)
			case "role-save":
				store := roles.NewMemoryStore(fixtures...)
				before, revision, err := store.Load(ctx)
				require.NoError(t, err)
				directory, err := roles.Open(ctx, roles.Config{Store: store})
				require.NoError(t, err)
				defer directory.Close(ctx)
				err = save(directory, c)
				if c.Expect == "accept" {
					require.NoError(t, err, c.Why)
					require.True(t, directory.Policy().Has(expand(c.AppID)))
					return
				}
				require.Error(t, err, c.Why)
				after, now, loadErr := store.Load(ctx)
				require.NoError(t, loadErr)
				require.Equal(t, revision, now, "something was stored")
				require.ElementsMatch(t, before, after)
				if c.Name == "cycle" {
					require.ErrorContains(t, err, `"cyc-a"`)
					require.ErrorContains(t, err, `"cyc-b"`)
				}
			default:
				t.Fatalf("unknown layer %q", c.Layer)
			}
		})
	}
	require.NoError(t, lines.Err())
	require.Equal(t, map[string]int{"eval": 48, "role-save": 25}, ran)
}

// save reads the entry's document, or each of its documents, as JSON and saves it.
func save(d *roles.Directory, c hostile) error {
	ctx := context.Background()
	if c.Roles == nil {
		if c.Permissions == nil {
			c.Permissions = json.RawMessage("null")
		}
		document, err := json.Marshal(map[string]any{"appid": expand(c.AppID), "permissions": c.Permissions})
		if err != nil {
			return err
		}
		var role roles.Role
		if err := json.Unmarshal(document, &role); err != nil {
			return err
		}
		return d.Save(ctx, role)
	}
	// A directory saves one role at a time, and the first of a circle names one that is not there yet: also
	// refused. All of them together are what Compile is asked about.
	var list []roles.Role
	if err := json.NewDecoder(bytes.NewReader(c.Roles)).Decode(&list); err != nil {
		return err
	}
	for _, role := range list {
		if d.Save(ctx, role) == nil {
			return nil
		}
	}
	_, err := roles.Compile(append(d.Policy().Roles(), list...)...)
	return err
}

// expand writes {{repeat:TEXT:N}} out.
func expand(s string) string {
	before, rest, ok := strings.Cut(s, "{{repeat:")
	if !ok {
		return s
	}
	macro, after, _ := strings.Cut(rest, "}}")
	text, count, _ := strings.Cut(macro, ":")
	n, err := strconv.Atoi(count)
	if err != nil {
		panic(err)
	}
	return before + strings.Repeat(text, n) + expand(after)
}
