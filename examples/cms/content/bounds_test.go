package content_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/examples/cms/content/form"
)

// heavy is a $regex near the limit for a filter; several exceed the limit of one item.
const heavy = `{"$or":[{"text":{"$regex":"(x?){200}y"}}]}`

func TestPatternsOfAFilterAreBoundedTogether(t *testing.T) {
	parse := func(filter string) error {
		_, err := content.ParseQuery(form.Values{"filter": {Text: filter}})
		return err
	}
	require.NoError(t, parse(heavy))
	var parameter *content.ParameterError
	require.ErrorAs(t, parse(`{"$or":[`+strings.Repeat(heavy+`,`, 100)+heavy+`]}`), &parameter)
	require.NoError(t, parse(`{"$or":[`+strings.Repeat(`{"title":{"$regex":"^he(l+)o$"}},`, 20)+`{"title":"x"}]}`))

	pipeline := func(stages int) error {
		_, err := content.ParsePipeline(json.RawMessage(`[`+strings.Repeat(`{"$match":`+heavy+`},`, stages-1)+`{"$match":`+heavy+`}]`), "")
		return err
	}
	require.NoError(t, pipeline(1))
	var refused *content.PipelineError
	require.ErrorAs(t, pipeline(20), &refused)
}

// A pipeline ends with its request, at any stage.
func TestAggregateEndsInTime(t *testing.T) {
	s, m := opened(t), content.Model{Name: "texts", Type: content.Collection}
	var items []content.Item
	for i := range 400 {
		items = append(items, content.Item{"_id": fmt.Sprint(i), "_state": 1, "text": strings.Repeat("x", 20_000)})
	}
	_, err := s.AddItems(t.Context(), m, items)
	require.NoError(t, err)
	p, err := content.ParsePipeline(json.RawMessage(`[{"$skip":0},{"$match":`+heavy+`}]`), "")
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err = s.Aggregate(ctx, m, p)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(start), 5*time.Second)
}

// Long lists and trees take turns, and so do searches, in a queue of their own; short pages do not wait for them.
func TestLongReadsTakeTurns(t *testing.T) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "content.db"))
	require.NoError(t, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(t.Context(), content.Schema(sqlstore.SQLite))
	require.NoError(t, err)
	s, m := content.New(db), content.Model{Name: "menu", Type: content.Tree}

	only, err := db.Conn(t.Context())
	require.NoError(t, err)
	before := db.Stats().WaitCount
	waiting := func() int64 { return db.Stats().WaitCount - before }
	done := make(chan error)
	for range 10 {
		go func() { _, err := s.Tree(t.Context(), m, "", content.Query{}); done <- err }()
		go func() { _, _, err := s.Items(t.Context(), m, content.Query{}); done <- err }()
	}
	require.Eventually(t, func() bool { return waiting() == 4 }, 20*time.Second, time.Millisecond)
	require.Never(t, func() bool { return waiting() > 4 }, 100*time.Millisecond, 10*time.Millisecond)
	short, search := query(t, `limit=10`), query(t, `filter={title:"x"}`)
	go func() { _, _, err := s.Items(t.Context(), m, short); done <- err }()
	require.Eventually(t, func() bool { return waiting() == 5 }, 20*time.Second, time.Millisecond)
	for range 10 {
		go func() { _, _, err := s.Items(t.Context(), m, search); done <- err }()
	}
	require.Eventually(t, func() bool { return waiting() == 9 }, 20*time.Second, time.Millisecond)
	require.Never(t, func() bool { return waiting() > 9 }, 100*time.Millisecond, 10*time.Millisecond)
	require.NoError(t, only.Close())
	for range 31 {
		require.NoError(t, <-done)
	}
}

// A long locale is not copied into field names again and again.
func TestLocaleIsAName(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	allocated := allocating(func() {
		_, err := content.ParseQuery(form.Values{"locale": {Text: long}, "sort": {Text: `{"` + strings.Repeat(":locale", 10_000) + `":1}`}})
		require.NoError(t, err)
	})
	require.Less(t, allocated, 64<<20)
	s := opened(t)
	m := add(t, s, content.Model{Name: "posts", Type: content.Collection, Fields: []content.Field{{Name: "title", I18n: true}}}, `[{"_id":"p","_state":1,"title":"Hello","title_de":"Hallo"}]`)
	for locale, want := range map[string]string{"de": "Hallo", "": "Hello", "default": "Hello", "fr": "Hello", "__proto__": "Hello", "de.x": "Hello", long: "Hello"} {
		q, err := content.ParseQuery(form.Values{"locale": {Text: locale}})
		require.NoError(t, err)
		items, _, err := s.Items(t.Context(), m, q)
		require.NoError(t, err)
		require.Equal(t, `[{"_id":"p","_state":1,"title":"`+want+`"}]`, asJSON(t, items), "%.20s", locale)
	}
}

// A condition on fields that no item has costs nothing per item.
func TestManyFields(t *testing.T) {
	s, m := opened(t), content.Model{Name: "many", Type: content.Collection}
	var items []content.Item
	for i := range 2000 {
		items = append(items, content.Item{"_id": fmt.Sprint(i), "_state": 1, "title": "x"})
	}
	_, err := s.AddItems(t.Context(), m, items)
	require.NoError(t, err)
	var fields strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&fields, `"f%d":1,`, i)
	}
	q, err := content.ParseQuery(form.Values{"fields": {Text: `{` + fields.String() + `"title":1}`}})
	require.NoError(t, err)
	start := time.Now()
	items, _, err = s.Items(t.Context(), m, q)
	require.NoError(t, err)
	require.Equal(t, content.Item{"_id": "0", "title": "x"}, items[0])
	require.Less(t, time.Since(start), 5*time.Second)
}

// The size of linked items is bounded while they are read.
func TestLinksAreBoundedWhileTheyAreRead(t *testing.T) {
	if os.Getenv("LATCHKEY_LONG") == "" {
		t.Skip("stores 120 MB: set LATCHKEY_LONG=1")
	}
	db, err := sql.Open("sqlite", ":memory:")
	require.NoError(t, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(t.Context(), content.Schema(sqlstore.SQLite))
	require.NoError(t, err)
	s, m := content.New(db), content.Model{Name: "large", Type: content.Collection}
	_, err = s.AddModel(t.Context(), m)
	require.NoError(t, err)
	var large []content.Item
	var links []any
	for i := range 1200 {
		large = append(large, content.Item{"_id": fmt.Sprint(i), "_state": 1, "text": strings.Repeat("x", 100_000)})
		links = append(links, map[string]any{"_model": "large", "_id": fmt.Sprint(i)})
	}
	_, err = s.AddItems(t.Context(), m, large)
	require.NoError(t, err)
	allocated := allocating(func() {
		err = s.Populate(t.Context(), []content.Item{{"links": links}}, query(t, `populate=1`), everyModel())
	})
	require.ErrorIs(t, err, content.ErrTooMany)
	require.Less(t, allocated, 400<<20)
}

// So is the number of linked models.
func TestModelsOfLinksAreBounded(t *testing.T) {
	s, names, asked := opened(t), []any{}, 0
	for i := range 6000 {
		names = append(names, map[string]any{"_model": fmt.Sprint("m", i), "_id": "x"})
	}
	err := s.Populate(t.Context(), []content.Item{{"links": names}}, query(t, `populate=1`), func(context.Context, string) (bool, error) {
		asked++
		return true, nil
	})
	require.ErrorIs(t, err, content.ErrTooMany)
	require.LessOrEqual(t, asked, 5000)
}

func allocating(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}
