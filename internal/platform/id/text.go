package id

// As text and in JSON an id stands as in an address: JavaScript would round the
// bare number.

// MarshalText is String.
func (i Customer) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (i *Customer) UnmarshalText(b []byte) error { return unmarshal((*int64)(i), "cus", b) }

// MarshalText is String.
func (i Order) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (i *Order) UnmarshalText(b []byte) error { return unmarshal((*int64)(i), "ord", b) }

// MarshalText is String.
func (i Product) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (i *Product) UnmarshalText(b []byte) error { return unmarshal((*int64)(i), "prd", b) }

// MarshalText is String.
func (i Event) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (i *Event) UnmarshalText(b []byte) error { return unmarshal((*int64)(i), "evt", b) }

// MarshalText is String.
func (i Job) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (i *Job) UnmarshalText(b []byte) error { return unmarshal((*int64)(i), "job", b) }

// MarshalText is String.
func (i Import) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (i *Import) UnmarshalText(b []byte) error { return unmarshal((*int64)(i), "imp", b) }

// MarshalText is String.
func (i User) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (i *User) UnmarshalText(b []byte) error { return unmarshal((*int64)(i), "usr", b) }

// MarshalText is String.
func (i Category) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (i *Category) UnmarshalText(b []byte) error { return unmarshal((*int64)(i), "cat", b) }

// MarshalText is String.
func (i Source) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (i *Source) UnmarshalText(b []byte) error { return unmarshal((*int64)(i), "src", b) }

// MarshalText is String.
func (i Endpoint) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (i *Endpoint) UnmarshalText(b []byte) error { return unmarshal((*int64)(i), "whk", b) }

func (i Key) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (i *Key) UnmarshalText(b []byte) error { return unmarshal((*int64)(i), "key", b) }

// MarshalText is String.
func (i Subscription) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (i *Subscription) UnmarshalText(b []byte) error { return unmarshal((*int64)(i), "sub", b) }
