/** A map that keeps a value only while someone else does: shares objects without owning them. */
export class WeakValues<Key, Value extends object> {
  readonly #references = new Map<Key, WeakRef<Value>>()
  readonly #collected = new FinalizationRegistry<Key>((key) => {
    // A new value may stand under the key by now.
    if (this.get(key) === undefined) this.#references.delete(key)
  })

  get(key: Key): Value | undefined {
    return this.#references.get(key)?.deref()
  }

  getOrMake(key: Key, make: () => Value): Value {
    const known = this.get(key)
    if (known !== undefined) return known
    const made = make()
    this.#references.set(key, new WeakRef(made))
    this.#collected.register(made, key)
    return made
  }
}
