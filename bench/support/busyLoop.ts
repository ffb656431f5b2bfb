// Occupies a whole processor until the parent process ends.
process.once('disconnect', () => process.exit());
function spin(): void {
  const until = performance.now() + 20;
  while (performance.now() < until);
  setImmediate(spin);
}
spin();
