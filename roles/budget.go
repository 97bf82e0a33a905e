package roles

import (
	"context"
	"errors"
)

// ErrBudget is the error of a comparison that needs more steps than its [Budget] has left. The answer is not known.
var ErrBudget error = answered{errors.New("roles: these roles take too many steps to compare"), 422, "refused", "Use fewer or simpler patterns."}

// A Budget bounds the work of one operation: after [Policy.Within] all comparisons of a policy draw from it. The zero Budget
// has no steps. A Budget must not be used concurrently.
type Budget struct {
	// Steps is the number of steps of the whole operation. A step looks at one place of a pattern and takes about 0.25 µs.
	// Comparing ordinary roles takes hundreds to a few thousand steps.
	Steps int

	// Wait, if not nil, is called once, before the first step beyond Free. It lets costly operations take turns. An error of
	// Wait ends the comparison, and all later ones.
	Wait func(context.Context) error
	Free int

	ctx     context.Context
	used    int
	checked int // the value of used at the last check of ctx
	waited  bool
	err     error
}

// freeSteps bounds a comparison of a policy without a budget. It takes less than 100 ms.
const freeSteps = 1 << 18

// Err returns nil if every comparison so far was exact. Otherwise it returns the error that ended one: [ErrBudget], or the
// error of the context or of Wait. All later comparisons end with it too.
func (b *Budget) Err() error { return b.err }

// spend takes n steps. On an error the caller must stop. With n = 0 it checks the context. A nil budget is unlimited.
func (b *Budget) spend(n int) error {
	switch {
	case b == nil:
		return nil
	case b.err != nil:
		return b.err
	}
	if b.used += n; b.used > b.Steps {
		b.err = ErrBudget
		return b.err
	}
	if b.Wait != nil && !b.waited && b.used > b.Free {
		b.waited = true
		if b.err = b.Wait(b.ctx); b.err != nil {
			return b.err
		}
	}
	if b.used-b.checked >= 256 || n == 0 {
		b.checked = b.used
		b.err = b.ctx.Err()
	}
	return b.err
}

// Within returns p with a budget. Comparisons of the result, and of the policies that its With and Without return, draw from
// b and end when ctx is done. Like b, the result must not be used concurrently. Allows, Explain and the methods that only
// list take no steps.
func (p *Policy) Within(ctx context.Context, b *Budget) *Policy {
	if p == nil {
		return nil
	}
	b.ctx = ctx
	return &Policy{p.roles, b}
}

// bounded returns p if it has a budget, else p with a new one of freeSteps.
func (p *Policy) bounded() *Policy {
	if p.budget != nil {
		return p
	}
	return p.Within(context.Background(), &Budget{Steps: freeSteps})
}
