package crash

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// Histories of operations on the keys of a few users are checked against a model: each user has one current key, the
// last issued, and each operation takes effect at one instant between call and answer.

// An input is a client's request.
type input struct {
	What  string // "issue", "verify", "refresh", "invalidate", "disable", "enable"
	User  string
	ID    string // of refresh, invalidate, disable, enable
	Value string // of verify
}

// An output is its answer.
type output struct {
	Outcome   string // one of these, or the name of an error
	ID, Value string // of an issue or refresh that is done
}

const (
	done        = "done" // a verified value is good
	lost        = "lost" // a store error: done, or done later, or never
	exists      = "exists"
	conflict    = "conflict"
	unknown     = "unknown"
	disabled    = "disabled"
	invalidated = "invalidated"
)

// A state is the state of one user. The zero state is a user without a key.
type state struct {
	ID, Value string // hidden if it was never reported
	Disabled  bool
	Ended     bool // there is no key, or it is invalidated: another may be issued
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

// next returns the possible states after an operation with this answer; none means that this answer is impossible.
func next(s state, in input, out output) []state {
	if in.What == "verify" {
		return verified(s, in, out)
	}
	after, answer := s.change(in, out)
	switch {
	case out.Outcome == lost && answer == done:
		return []state{s, after}
	case out.Outcome == lost, out.Outcome == conflict:
		return []state{s} // a conflict says that it was not done, but not which other call caused it
	case out.Outcome == answer:
		return []state{after}
	}
	return nil
}

// change returns the state after a change, and the required answer.
func (s state) change(in input, out output) (after state, answer string) {
	if in.What == "issue" {
		if !s.Ended {
			return s, exists
		}
		return state{ID: shown(out.ID, out), Value: shown(out.Value, out)}, done
	}
	if s.ID != in.ID || s.Ended {
		if in.What == "invalidate" {
			return s, done // a repetition changes nothing
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
	answers := []string{unknown, invalidated} // an old value: replaced, or of an invalidated key
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
