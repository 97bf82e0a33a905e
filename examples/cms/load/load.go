// Package load adds documents of Cockpit to the example CMS: those of a JSON file, which [Read] parses, or those of a
// Cockpit's own storage.
//
// It only adds: existing records are not changed. So loading a file again changes nothing, and a key that was
// refreshed or invalidated since, or a user who was deactivated, does not come back. A record that is refused is
// reported with the reason, and the rest is loaded. This package loads models and items; package cockpit loads roles,
// users, keys and the public API, and documents what happens to keys.
package load

import (
	"context"
	"iter"
	"maps"
	"slices"

	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/examples/cms/content"
)

// Into is the destination of documents.
type Into struct {
	Content *content.Store
	Access  cockpit.Into // users may be stored with [Accounts]
	// Say gets one sentence for each record that was refused or changed, and totals at the end.
	Say func(format string, args ...any)
	// DryRun writes nothing and reports the same.
	DryRun bool
}

// Add stores the records of f that do not exist yet. Its error is a store failure; earlier records stay stored, and
// another call stores the rest. Access comes last, in one transaction, after the content.
func (in Into) Add(ctx context.Context, f *File) error {
	if err := in.Locales(ctx, f.locales); err != nil {
		return err
	}
	models, items, err := in.addContent(ctx, f)
	if err != nil {
		return err
	}
	report, err := in.Allow(ctx, f.access)
	if err != nil {
		return err
	}
	in.Say("added %d roles, %d users, %d keys, %d models and %d items", report.Count(cockpit.AboutRole, cockpit.VerdictNew),
		report.Count(cockpit.AboutUser, cockpit.VerdictNew), report.Count(cockpit.AboutKey, cockpit.VerdictNew), models, items)
	return nil
}

// Allow imports roles, users, keys and the public setting, and reports the result.
func (in Into) Allow(ctx context.Context, source *cockpit.Source) (*cockpit.Report, error) {
	do := cockpit.Import
	if in.DryRun {
		do = cockpit.Plan
	}
	report, err := do(ctx, source, in.Access)
	if err != nil {
		return nil, err
	}
	for _, warning := range report.Warnings {
		in.Say("warning: %s", warning)
	}
	for _, e := range report.Entries {
		if e.Reason != "" && (e.What != cockpit.AboutPublic || e.Verdict != cockpit.VerdictUnchanged) {
			in.Say("%s", e)
		}
	}
	return report, nil
}

// addContent stores models and items, and returns how many it added.
func (in Into) addContent(ctx context.Context, f *File) (models, items int, err error) {
	loaded := map[string]bool{}
	for _, m := range f.models {
		stored, added, err := in.Model(ctx, m)
		if err != nil {
			return models, items, err
		}
		if stored == nil {
			continue
		}
		if added {
			models++
		}
		loaded[m.Name] = true
		n, err := in.Items(ctx, *stored, each(f.items[m.Name]))
		if err != nil {
			return models, items, err
		}
		items += n
	}
	for _, name := range slices.Sorted(maps.Keys(f.items)) {
		if !loaded[name] {
			in.Say("refused: %d items of %q, a model that the file does not have", len(f.items[name]), name)
		}
	}
	return models, items, nil
}

func each(list []content.Item) iter.Seq2[content.Item, error] {
	return func(yield func(content.Item, error) bool) {
		for _, item := range list {
			if !yield(item, nil) {
				return
			}
		}
	}
}
