package keystest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/latchkey-go/latchkey/internal/suite"
	"github.com/latchkey-go/latchkey/keys"
)

type tb = suite.TB

// A probe is a store under a check, with ways to ask it that stop the check if the store does not even do that.
type probe struct {
	tb
	promise string
	keys.Store
	uses keys.LastUsedStore
}

var background = context.Background()

// broken reports that the promise of this check did not hold.
func (p *probe) broken(format string, args ...any) {
	p.Helper()
	p.Errorf("broken promise: %s\n\t%s", p.promise, fmt.Sprintf(format, args...))
}

// breaks reports that the promise did not hold, and stops the check.
func (p *probe) breaks(format string, args ...any) {
	p.Helper()
	p.Fatalf("broken promise: %s\n\t%s", p.promise, fmt.Sprintf(format, args...))
}

// on returns p for another goroutine, which reports to t.
func (p *probe) on(t tb) *probe {
	other := *p
	other.tb = t
	return &other
}

// must stops the check if what has to work before the promise can be looked at does not.
func (p *probe) must(err error, what string) {
	p.Helper()
	if err != nil {
		p.Fatalf("cannot check the promise: %s\n\t%s failed: %v", p.promise, what, err)
	}
}

// works reports a promise as broken, and returns false, if err is not nil.
func (p *probe) works(err error, what string) bool {
	p.Helper()
	if err != nil {
		p.broken("%s returns error %v", what, err)
	}
	return err == nil
}

// errorOf returns the error of a call without its result.
func errorOf[T any](_ T, err error) error { return err }

// wraps reports a promise as broken unless err wraps target.
func (p *probe) wraps(err, target error, what string) {
	p.Helper()
	if !errors.Is(err, target) {
		p.broken("%s: got error %v, want one wrapping %q", what, err, target)
	}
}

func (p *probe) insert(records ...keys.Record) {
	p.Helper()
	for _, r := range records {
		p.must(p.Insert(background, r), "Insert of a record that clashes with none")
	}
}

// inserted inserts r and returns it.
func (p *probe) inserted(r keys.Record) keys.Record {
	p.Helper()
	p.insert(r)
	return r
}

// update writes r as the next generation and returns it as it should be stored.
func (p *probe) update(r keys.Record) keys.Record {
	p.Helper()
	r.Generation++
	p.must(p.Update(background, r), "Update with the next Generation")
	return r
}

// get returns what is stored under r's ID.
func (p *probe) get(r keys.Record) keys.Record {
	p.Helper()
	got, err := p.Get(background, r.Space, r.ID)
	p.must(err, "Get of a record that exists")
	return got
}

// find returns what Find finds by r's digest.
func (p *probe) find(r keys.Record) keys.Record {
	p.Helper()
	got, err := p.Find(background, r.Space, []keys.Digest{r.Digest})
	p.must(err, "Find of a record that exists")
	return got
}

func (p *probe) list(space string, f keys.Filter) []keys.Record {
	p.Helper()
	got, err := p.List(background, space, f)
	p.must(err, fmt.Sprintf("List in space %q", space))
	return got
}

// stands reports a promise as broken unless r is stored just so.
func (p *probe) stands(r keys.Record, what string) {
	p.Helper()
	p.same(p.get(r), r, what)
}

// absent reports a promise as broken if r's ID or its Digest leads anywhere.
func (p *probe) absent(r keys.Record, what string) {
	p.Helper()
	p.wraps(errorOf(p.Get(background, r.Space, r.ID)), keys.ErrNotFound, what+": Get")
	p.lost(r.Space, r.Digest, what)
}

// found reports a promise as broken unless d leads to want's record.
func (p *probe) found(d keys.Digest, want keys.Record, what string) {
	p.Helper()
	got, err := p.Find(background, want.Space, []keys.Digest{d})
	if err != nil {
		p.broken("%s: Find returns error %v", what, err)
	} else if got.ID != want.ID {
		p.broken("%s: Find returns record %q, want %q", what, got.ID, want.ID)
	}
}

// lost reports a promise as broken if d leads to any record in space.
func (p *probe) lost(space string, d keys.Digest, what string) {
	p.Helper()
	if r, err := p.Find(background, space, []keys.Digest{d}); !errors.Is(err, keys.ErrNotFound) {
		p.broken("%s: Find returns record %q and error %v, want an error wrapping ErrNotFound", what, r.ID, err)
	}
}

// lists reports a promise as broken unless f lists exactly these records, in whatever order.
func (p *probe) lists(space string, f keys.Filter, what string, want ...keys.Record) {
	p.Helper()
	got, wanted := sortedIDs(p.list(space, f)), sortedIDs(want)
	if !slices.Equal(got, wanted) {
		p.broken("%s: List returns %d records %v, want %d %v", what, len(got), names(got), len(wanted), names(wanted))
	}
}

// same reports a promise as broken unless got and want agree in every field. Times agree if they are the
// same instant, and a slice without elements agrees with nil.
func (p *probe) same(got, want keys.Record, what string) {
	p.Helper()
	for _, field := range differences(got, want) {
		p.broken("%s: %s", what, field)
	}
}

func differences(got, want keys.Record) (diffs []string) {
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range g.NumField() {
		a, b := g.Field(i), w.Field(i)
		equal := false
		switch got := a.Interface().(type) {
		case time.Time:
			equal = got.Equal(b.Interface().(time.Time))
		case keys.Digest:
			equal = got.Equal(b.Interface().(keys.Digest))
		default:
			equal = a.Kind() == reflect.Slice && a.Len() == 0 && b.Len() == 0 || reflect.DeepEqual(got, b.Interface())
		}
		if !equal {
			diffs = append(diffs, fmt.Sprintf("field %s is %v, want %v", g.Type().Field(i).Name, a, b))
		}
	}
	return diffs
}

// oneWins reports a promise as broken unless exactly one of errs is nil and the others wrap target. It returns
// the number of the winner.
func (p *probe) oneWins(errs []error, target error, what string) (winner int) {
	p.Helper()
	winner, err := suite.OneWins(errs, target)
	if err != nil {
		p.broken("%s: %v", what, err)
	}
	return winner
}

func ids(records []keys.Record) []string {
	out := make([]string, len(records))
	for i := range records {
		out[i] = records[i].ID
	}
	return out
}

func sortedIDs(records []keys.Record) []string { return slices.Sorted(slices.Values(ids(records))) }

// names shortens a list of IDs to what a reader can take in.
func names(ids []string) string {
	if len(ids) > 6 {
		return "[" + strings.Join(ids[:6], " ") + " …]"
	}
	return "[" + strings.Join(ids, " ") + "]"
}
