"""From text to bytecode: lowering, the runtime that lowered code calls, and failures in the user's words."""
