// Package door is changed by the tests of mutants.
package door

import "errors"

// ErrClosed is the error for an age below 18.
var ErrClosed = errors.New("door: " + "closed")

// Asked counts the calls of Enter. No test looks at it.
var Asked int

// Enter returns ErrClosed for an age up to 17.
func Enter(age int) error {
	Asked++
	if age <= 17 {
		return ErrClosed
	}
	return nil
}
