//! Whom a route lets in, as its handler's arguments say.

use actix_web::HttpRequest;
use actix_web::web::{Bytes, Data, Payload};

use crate::permissions::Access;

/// An argument of a handler.
pub trait HandlerArgument {
    /// Whom the route lets in, if this argument says so.
    const ACCESS: Option<Access> = None;
}

impl HandlerArgument for HttpRequest {}
impl HandlerArgument for Payload {}
impl HandlerArgument for Bytes {}
impl<T: ?Sized> HandlerArgument for Data<T> {}
impl<T: HandlerArgument, E> HandlerArgument for Result<T, E> {
    const ACCESS: Option<Access> = T::ACCESS;
}

/// The arguments of a handler, of which exactly one says whom the route lets in.
pub trait HandlerArguments {
    /// Whom the route lets in. A handler without such an argument, or with two, doesn't compile.
    const ACCESS: Access;
}

macro_rules! of_tuples {
    ($($first:ident $($rest:ident)*)?) => {
        $(
            impl<$first: HandlerArgument, $($rest: HandlerArgument),*> HandlerArguments for ($first, $($rest,)*) {
                const ACCESS: Access = the_only(&[$first::ACCESS, $($rest::ACCESS),*]);
            }
            of_tuples!($($rest)*);
        )?
    };
}
of_tuples!(A B C D E F G H);

const fn the_only(accesses: &[Option<Access>]) -> Access {
    let (mut found, mut at) = (None, 0);
    while at < accesses.len() {
        if let Some(access) = accesses[at] {
            assert!(found.is_none(), "two arguments of the handler say whom the route lets in");
            found = Some(access);
        }
        at += 1;
    }
    found.expect("an argument of the handler must say whom the route lets in: Authorized, AnyCaller, …")
}
