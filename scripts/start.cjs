// Starts the server under the project's own Node. Plain JavaScript that any Node can run, so that a failed install is
// told as such and not as a syntax error.
const [major, minor] = process.versions.node.split('.').map(Number)

function installFailed(reason) {
  process.stderr.write(
    `The dependencies are not installed: ${reason}.\n` +
      'The messages of the install above say why. Run "npx -y pnpm@12 install" when the cause is mended.\n',
  )
  process.exit(1)
}

if (major < 22 || (major === 22 && minor < 18)) {
  installFailed(`the project's own Node is missing, this one is ${process.version}`)
}
import('../apps/sim-server/src/main.ts').catch(error => {
  if (error?.code === 'ERR_MODULE_NOT_FOUND') installFailed(error.message)
  throw error
})
