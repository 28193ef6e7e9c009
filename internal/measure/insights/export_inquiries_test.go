package insights

// PeriodsOf are the periods of a comparison.
var PeriodsOf = periodsOf
