// Package load brings documents, as Cockpit stores them, into the example CMS: those of a JSON file, which [Read] takes
// apart, or those of a Cockpit's own storage.
//
// Adding is all it does: what is there already stays as it is, so loading a file again changes nothing, and a key that
// was refreshed or ended meanwhile, or a user who was deactivated, does not come back. What cannot be taken is named with
// the reason, and the rest goes on. Models and items are its own affair; roles, users, keys and the public API are that of
// package cockpit, which says what becomes of keys.
package load

import (
	"context"
	"iter"
	"maps"
	"slices"

	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/examples/cms/content"
)

// Into says where documents go.
type Into struct {
	Content *content.Store
	Access  cockpit.Into // Users may be made with [Accounts]
	// Say hears, in a sentence each, what was not taken as it was, and at the end how much was.
	Say func(format string, args ...any)
	// DryRun writes nothing, and says the same.
	DryRun bool
}

// Add stores what is in f and not there yet. Its error is a store in trouble; what was stored by then stays, and
// calling it again stores the rest. Who may do what comes last, in one step, when there is something to do it with.
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

// Allow imports roles, users, keys and the public setting, and says what the report does.
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

// addContent stores models and items, and returns how many it has added.
func (in Into) addContent(ctx context.Context, f *File) (models, items int, err error) {
	stored := map[string]bool{}
	for _, m := range f.models {
		kept, added, err := in.Model(ctx, m)
		if err != nil {
			return models, items, err
		}
		if kept == nil {
			continue
		}
		if added {
			models++
		}
		stored[m.Name] = true
		n, err := in.Items(ctx, *kept, each(f.items[m.Name]))
		if err != nil {
			return models, items, err
		}
		items += n
	}
	for _, name := range slices.Sorted(maps.Keys(f.items)) {
		if !stored[name] {
			in.Say("refused: %d items of %q, which is no model of this file", len(f.items[name]), name)
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
