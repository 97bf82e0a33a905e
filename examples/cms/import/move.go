package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/examples/cms/load"
	"github.com/latchkey-go/latchkey/roles"
)

// move copies models, items and assets, and access last. If it is interrupted, another run does the rest.
func move(ctx context.Context, from *storage, to *target, dryRun bool, out io.Writer) error {
	source, err := cockpit.ReadSQL(ctx, from.system)
	if err != nil {
		return err
	}
	in := load.Into{
		Content: to.content, DryRun: dryRun,
		Say: func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) },
	}
	models, err := from.models(in.Say)
	if err != nil {
		return err
	}
	locales, err := from.locales(ctx)
	if err != nil {
		return err
	}
	if err := in.Locales(ctx, locales); err != nil {
		return err
	}
	if err := moveContent(ctx, from, in, models); err != nil {
		return err
	}
	if err := moveAssets(ctx, from, to, dryRun, in.Say); err != nil {
		return err
	}
	catalog, err := catalogOf(models)
	if err != nil {
		return err
	}
	in.Access = cockpit.Into{
		Keys: to.ring, Roles: to.store.Roles(), Public: to.store.PublicAPI(), Catalog: catalog, Users: load.Accounts(to.users),
		InTx: to.store.InTx, Audit: to.store.Audit(), By: "import", AllowWeak: true,
	}
	report, err := in.Allow(ctx, source)
	if err != nil {
		return err
	}
	for _, what := range []cockpit.What{cockpit.AboutRole, cockpit.AboutUser, cockpit.AboutKey, cockpit.AboutPublic} {
		in.Say("%-7s %d new, %d changed, %d unchanged, %d refused", what+":", report.Count(what, cockpit.VerdictNew),
			report.Count(what, cockpit.VerdictChanged), report.Count(what, cockpit.VerdictUnchanged), report.Count(what, cockpit.VerdictRefused))
	}
	if dryRun {
		in.Say("nothing was written")
	}
	return nil
}

// catalogOf lists the permissions on Cockpit's role screen, which tell whether the public role only reads.
func catalogOf(models []content.Model) (*roles.Catalog, error) {
	var list []cockpit.Model
	for _, m := range models {
		list = append(list, cockpit.Model{Name: m.Name, Label: m.Label, Type: m.Type})
	}
	return cockpit.Catalog(list...)
}

// moveContent copies models and their items.
func moveContent(ctx context.Context, from *storage, in load.Into, models []content.Model) error {
	for _, m := range models {
		kept, added, err := in.Model(ctx, m)
		if err != nil {
			return err
		}
		if kept == nil {
			continue
		}
		total, err := rowsOf(ctx, from.content, table(m))
		if err != nil {
			return err
		}
		items, err := in.Items(ctx, *kept, progress(from.items(ctx, m), "model "+m.Name, total, in.Say))
		if err != nil {
			return err
		}
		is := "there already"
		if added {
			is = "new"
		}
		in.Say("model %s: %s, %d new items", m.Name, is, items)
	}
	strays, err := from.strays(ctx, models)
	for _, table := range strays {
		in.Say("refused: the items of %q: there is no such model", table)
	}
	return err
}

// progress prints its progress every second.
func progress(items iter.Seq2[content.Item, error], name string, total int, say func(string, ...any)) iter.Seq2[content.Item, error] {
	return func(yield func(content.Item, error) bool) {
		said := time.Now()
		n := 0
		for item, err := range items {
			if n++; time.Since(said) >= time.Second {
				said = time.Now()
				say("%s: %d of %d items", name, n, total)
			}
			if !yield(item, err) {
				return
			}
		}
	}
}
