package console_test

import (
	"context"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/keys"
)

// TestAFormThatIsSentTwiceMakesOneKey is about Reload, Back and double clicks, with which browsers send a form again.
func TestAFormThatIsSentTwiceMakesOneKey(t *testing.T) {
	w := newWorld(t)
	count := func() int {
		all, err := w.ring.List(t.Context(), keys.Filter{})
		require.NoError(t, err)
		return len(all)
	}
	form := url.Values{"do": {"create"}, "name": {"Build"}, "role": {"viewer"}, "scopes": {"content/posts/read"}, "allowed_ips": {"192.0.2.7/24"},
		"opened": {hidden(w.get("kay", "/api/create").body, "opened")}}
	w.expect(w.send("kay", "POST", "/api/create", form), 200, "shown this once")
	time.Sleep(2 * time.Millisecond) // no user is faster
	again := w.expect(w.send("kay", "POST", "/api/create", form), 409, "Made already", "See the key that was made", `value="Build"`)
	require.Empty(t, keyIn.FindString(again.body))
	require.Equal(t, 1, count())

	// A user who wants a second one like it sends the form again, and another key is not a repetition.
	form.Set("name", "Other build")
	w.expect(w.send("kay", "POST", "/api/create", form), 200)
	form.Set("name", "Build")
	form.Set("opened", hidden(again.body, "opened"))
	w.expect(w.send("kay", "POST", "/api/create", form), 200)
	form.Del("opened") // does not say when: since ever
	w.expect(w.send("kay", "POST", "/api/create", form), 409, "Made already")
	require.Equal(t, 3, count())

	// A refresh is for the value that was seen.
	id := w.custom(keys.Custom{Name: "Nightly", Role: "viewer"}).ID
	page := "/api/key/" + id
	seen := url.Values{"do": {"refresh"}, "match": {hidden(w.get("kay", page).body, "match")}}
	key := keyIn.FindString(w.expect(w.send("kay", "POST", page, seen), 200).body)
	for _, match := range []string{seen.Get("match"), ""} {
		a := w.expect(w.send("kay", "POST", page, url.Values{"do": {"refresh"}, "match": {match}}), 409, "Another change came first")
		require.Empty(t, keyIn.FindString(a.body))
	}
	require.True(t, w.good(key))
}

// A slow store takes its time to list, as one on another machine does.
type slow struct{ keys.Store }

func (s slow) List(ctx context.Context, space string, f keys.Filter) ([]keys.Record, error) {
	found, err := s.Store.List(ctx, space, f)
	time.Sleep(2 * time.Millisecond)
	return found, err
}

func TestADoubleClickMakesOneKey(t *testing.T) {
	ring, err := keys.Open(keys.Config{Store: slow{keys.NewMemoryStore()}, SeveralPerUser: true})
	require.NoError(t, err)
	w := newWorldWith(t, theUsers, ring, func(*admin.Config) {})
	form := url.Values{"do": {"create"}, "name": {"Build"}, "role": {"-"}, "opened": {hidden(w.get("kay", "/api/create").body, "opened")}}
	for path, who := range map[string]string{"/api/create": "kay", "/users/user": "bob"} {
		statuses := make([]int, 8)
		var clicks sync.WaitGroup
		for i := range statuses {
			clicks.Go(func() { statuses[i] = w.send(who, "POST", path, form).status })
		}
		clicks.Wait()
		made := 0
		for _, status := range statuses {
			if status == 200 {
				made++
				continue
			}
			require.Equal(t, 409, status)
		}
		require.Equal(t, 1, made, path)
	}
}

func TestOwnKeyWithMore(t *testing.T) {
	w := newWorld(t)
	const page = "/users/user"
	first := w.expect(w.get("bob", page), 200, "More: name, expiry, scopes", `name="scopes"`)
	require.NotContains(t, first.body, "<details class=\"more-fields\" open", "nothing has to be chosen")
	bad := w.expect(w.post("bob", page, "create", url.Values{"name": {"Laptop"}, "scopes": {"a//b"}}), 400,
		`<details class="more-fields" open`, `value="Laptop"`, "a//b</textarea>", `href="#scopes"`,
		`aria-invalid="true" aria-describedby="scopes-hint scopes-error"`, `<p class="error" id="scopes-error">`)
	require.Empty(t, keyIn.FindString(bad.body))
	key := keyIn.FindString(w.expect(w.post("bob", page, "create", url.Values{
		"name": {"Laptop"}, "scopes": {"content/*/read"}, "expires_at": {"2099-01-31T12:00"}}), 200).body)
	v, err := w.ring.Verify(t.Context(), key)
	require.NoError(t, err)
	rec := v.Record()
	require.Equal(t, "Laptop", rec.Name)
	require.Equal(t, []string{"content/*/read"}, rec.Scopes)
	require.Equal(t, "2099-01-31T12:00:00Z", rec.ExpiresAt.Format("2006-01-02T15:04:05Z07:00"))
	w.expect(w.get("bob", page), 200, "31 Jan 2099")
}
