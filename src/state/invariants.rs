//! What holds of every state, as predicates. The simulation checks them after each command.
