/** What a person can mend in a file, a model or an argument, as one sentence. */
export class LabError extends Error {
  override readonly name = 'LabError';
}
