package automaton

// A Budget is called for each piece of work with its number of steps. Its error ends the work, and is returned. A step looks
// at one place of a pattern. A nil Budget is unlimited.
type Budget func(steps int) error

func (b Budget) spend(steps int) error {
	if b == nil {
		return nil
	}
	return b(steps)
}
