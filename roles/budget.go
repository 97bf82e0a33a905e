package roles

import (
	"context"
	"errors"
)

// ErrBudget means that a question was given up because its [Budget] was used up. It says nothing about the answer.
var ErrBudget = errors.New("roles: these roles take too many steps to compare")

// A Budget bounds the work of one operation: [Policy.Within] makes all questions of a policy draw from it. The zero
// Budget allows no steps. A Budget serves one goroutine.
type Budget struct {
	// Steps is how many steps the operation may take in all. A step looks at one place of a pattern and takes about
	// a quarter of a microsecond. Comparing ordinary roles takes hundreds to a few thousand steps.
	Steps int

	// Wait, if not nil, is called once, before the first step beyond Free. It lets costly operations take turns. An
	// error of Wait ends the question, and all later ones.
	Wait func(context.Context) error
	Free int

	ctx     context.Context
	used    int
	checked int // the value of used when ctx was last looked at
	waited  bool
	err     error
}

// freeSteps bound a question of a policy without a budget. They take less than 100 ms.
const freeSteps = 1 << 18

// Err returns nil while every question so far had an exact answer. Otherwise it returns the reason why one was given
// up: [ErrBudget], the error of the context, or that of Wait. All later questions are given up as well.
func (b *Budget) Err() error { return b.err }

// spend takes n steps. After an error the caller must give its question up. A nil budget is unlimited.
func (b *Budget) spend(n int) error {
	if b == nil || b.err != nil {
		return b.failure()
	}
	b.used += n
	if b.used > b.Steps {
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

func (b *Budget) failure() error {
	if b == nil {
		return nil
	}
	return b.err
}

// Within returns p with a budget: questions of the result, and of the policies that its With and Without return, draw
// from b and give up when ctx is done. Like b, it serves one goroutine. Allows, Explain and the methods that only list
// take no steps.
func (p *Policy) Within(ctx context.Context, b *Budget) *Policy {
	if p == nil {
		return nil
	}
	b.ctx = ctx
	return &Policy{p.members, b}
}

// bounded returns p itself if it has a budget, else p with a budget of its own.
func (p *Policy) bounded() *Policy {
	if p == nil || p.budget != nil {
		return p
	}
	return p.Within(context.Background(), &Budget{Steps: freeSteps})
}
