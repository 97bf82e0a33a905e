package crash

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// Histories of operations on the keys of a few users are checked against a model: of each user there is one key that
// counts, the last that was issued, and everything about it happens at one instant between call and answer.

// An input is what a client asks.
type input struct {
	What  string // "issue", "verify", "refresh", "invalidate", "disable", "enable"
	User  string
	ID    string // of refresh, invalidate, disable, enable
	Value string // of verify
}

// An output is what it is told.
type output struct {
	Outcome   string // one of these, or the name of an error
	ID, Value string // of issue and refresh that are done
}

const (
	done        = "done" // a verified value is good
	lost        = "lost" // an error that is no verdict: done, or to be done yet, or never
	exists      = "exists"
	conflict    = "conflict"
	unknown     = "unknown"
	disabled    = "disabled"
	invalidated = "invalidated"
)

// A state is what counts of one user. The zero state is a user without a key.
type state struct {
	ID, Value string // hidden where nobody was told
	Disabled  bool
	Ended     bool // never had one, or it is invalidated: another may be issued
}

const hidden = "hidden"

var model = (&porcupine.NondeterministicModel{
	Partition: func(history []porcupine.Operation) (of [][]porcupine.Operation) {
		byUser := map[string][]porcupine.Operation{}
		for _, op := range history {
			user := op.Input.(input).User
			byUser[user] = append(byUser[user], op)
		}
		for _, ops := range byUser {
			of = append(of, ops)
		}
		return of
	},
	Init: func() []any { return []any{state{Ended: true}} },
	Step: func(s, in, out any) (after []any) {
		for _, one := range next(s.(state), in.(input), out.(output)) {
			after = append(after, one)
		}
		return after
	},
	Equal:             func(a, b any) bool { return a == b },
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v: %+v", in, out) },
}).ToModel()

// next returns the states that there may be after an operation with this answer; none says that it cannot have been
// answered like this.
func next(s state, in input, out output) []state {
	if in.What == "verify" {
		return verified(s, in, out)
	}
	after, answer := s.change(in, out)
	switch {
	case out.Outcome == lost && answer == done:
		return []state{s, after}
	case out.Outcome == lost, out.Outcome == conflict:
		return []state{s} // a conflict says that it was not done, and does not say by whose fault
	case out.Outcome == answer:
		return []state{after}
	}
	return nil
}

// change returns the state after a change, and the answer that it has to get.
func (s state) change(in input, out output) (after state, answer string) {
	if in.What == "issue" {
		if !s.Ended {
			return s, exists
		}
		return state{ID: shown(out.ID, out), Value: shown(out.Value, out)}, done
	}
	if s.ID != in.ID || s.Ended {
		if in.What == "invalidate" {
			return s, done // a second time changes nothing
		}
		return s, invalidated
	}
	switch in.What {
	case "refresh":
		s.Value = shown(out.Value, out)
	case "invalidate":
		s.Ended = true
	case "disable":
		s.Disabled = true
	case "enable":
		s.Disabled = false
	}
	return s, done
}

func shown(text string, out output) string {
	if out.Outcome == lost {
		return hidden
	}
	return text
}

func verified(s state, in input, out output) []state {
	answers := []string{unknown, invalidated} // a value of before: replaced, or of a key that was ended
	if in.Value == s.Value {
		switch {
		case s.Ended:
			answers = []string{invalidated}
		case s.Disabled:
			answers = []string{disabled}
		default:
			answers = []string{done}
		}
	}
	for _, answer := range answers {
		if out.Outcome == answer {
			return []state{s}
		}
	}
	return nil
}
