/** The embedded stack cannot start. The message says what to do. */
export class StartError extends Error {
  override readonly name: string = 'StartError';
}

/**
 * Another process took a port after it was chosen and before the server bound it. A start on another port may succeed.
 */
export class PortTakenError extends StartError {
  override readonly name = 'PortTakenError';
}
