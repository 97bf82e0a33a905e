package cockpit

import "context"

// Import writes the objects of source that do not exist here, and returns the report that [Plan] would have returned. Its
// error is a store error or a mistake in into; with [Into.InTx] nothing was done then. It may be called again at any
// time, and by several nodes. Users and roles come first, and the public API is opened last.
func Import(ctx context.Context, source *Source, into Into) (*Report, error) {
	if err := into.check(source); err != nil {
		return nil, err
	}
	run := into.InTx
	if run == nil {
		run = func(ctx context.Context, f func(context.Context) error) error { return f(ctx) }
	}
	var p *planner
	err := run(ctx, func(ctx context.Context) (err error) {
		if p, err = plan(ctx, source, into); err != nil {
			return err
		}
		for _, step := range p.steps {
			if err := step(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return p.finish(), nil
}
