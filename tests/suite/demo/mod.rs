//! `canopy demo`: the program as a newcomer starts it, and the world that it makes.

mod program;
mod waiting;
mod world;
