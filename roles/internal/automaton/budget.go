package automaton

// A Budget is called before or after each piece of work with the number of steps that it takes. An error ends the work,
// and is returned. A step looks at one place of a pattern. A nil Budget is unlimited.
type Budget func(steps int) error

func (b Budget) spend(steps int) error {
	if b == nil {
		return nil
	}
	return b(steps)
}
