const zones = { home: 4.5, neighbour: 9, world: 17.5 }

/**
 * The price of a parcel in euros. Parcels of 20 kg and more pay a surcharge; orders of
 * 100 euros and more travel for nothing at home.
 *
 * @param {{ zone: 'home' | 'neighbour' | 'world', kilograms: number, orderValue?: number }} parcel
 */
export function quote({ zone, kilograms, orderValue = 0 }) {
  const base = zones[zone]
  if (base === undefined) throw new RangeError(`unknown zone: ${zone}`)
  if (!(kilograms > 0)) throw new RangeError('a parcel weighs something')
  if (zone === 'home' && orderValue > 100) return 0
  const surcharge = kilograms >= 20 ? 12 : 0
  return Math.round((base + 0.8 * kilograms + surcharge) * 100) / 100
}
