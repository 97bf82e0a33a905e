package roles

// Used returns the number of steps taken.
func Used(b *Budget) int { return b.used }
