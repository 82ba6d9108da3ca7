import fc from 'fast-check'

/** A JSON schema, as far as the API's requests use one. */
export interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly pattern?: string
  readonly format?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly items?: Schema
  readonly maxItems?: number
  readonly maxProperties?: number
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: boolean | Schema
}

/** Longer texts and lists are no other cases. */
const most = 6
/** No key that JSON's own readers refuse. */
const key = fc.string({ minLength: 1, maxLength: most }).filter((one) => !one.includes('__proto__'))

/** Values that a schema accepts; `resolve` gives the schema that a reference names. */
export function arbitraryOf(
  schema: Schema,
  resolve: (reference: string) => Schema,
): fc.Arbitrary<unknown> {
  const of = (one: Schema): fc.Arbitrary<unknown> => arbitraryOf(one, resolve)
  if (schema.$ref !== undefined) return of(resolve(schema.$ref))
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(of))
  switch (schema.type) {
    case 'string':
      return textOf(schema)
    case 'boolean':
      return fc.boolean()
    case 'integer':
      return fc.integer({ min: schema.minimum ?? -1_000, max: schema.maximum ?? 1_000 })
    case 'array':
      return fc.array(of(schema.items ?? {}), {
        maxLength: Math.min(schema.maxItems ?? most, most),
      })
    case 'object':
      return objectOf(schema, of)
    default:
      return fc.jsonValue({ maxDepth: 1 })
  }
}

function textOf({ format, maxLength, minLength, pattern }: Schema): fc.Arbitrary<unknown> {
  if (format === 'date-time') {
    const [min, max] = [new Date('2020-01-01'), new Date('2030-01-01')]
    return fc.date({ min, max, noInvalidDate: true }).map((date) => date.toISOString())
  }
  if (pattern !== undefined) {
    return fc
      .stringMatching(new RegExp(pattern))
      .filter((text) => text.length <= (maxLength ?? Infinity))
  }
  return fc.string({
    minLength: minLength ?? 0,
    maxLength: Math.min(maxLength ?? 20, 20),
    unit: 'grapheme',
  })
}

function objectOf(
  { additionalProperties, properties = {}, required = [] }: Schema,
  of: (schema: Schema) => fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> {
  const known = fc.record(
    Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, of(one)])),
    { requiredKeys: [...required] },
  )
  if (additionalProperties === false || additionalProperties === undefined) return known
  const value = additionalProperties === true ? {} : additionalProperties
  return fc
    .tuple(fc.dictionary(key, of(value), { maxKeys: 3 }), known)
    .map(([more, some]) => ({ ...more, ...some }))
}
