/** Why settings cannot be merged into a file, as what is said of the file. */
export class Refusal extends Error {}
