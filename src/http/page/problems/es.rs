use super::Met;

/// Title and text in Spanish.
pub(super) fn told(met: Met) -> (&'static str, &'static str) {
    match met {
        Met::LinkUnknown => ("Este enlace de activación no se conoce", "Use sin cambios el enlace del mensaje de invitación más reciente."),
        Met::LinkUsed => ("Este enlace de activación ya se ha usado", "Si fue usted, inicie sesión."),
        Met::LinkExpired => ("Este enlace de activación ha caducado", "Pida una nueva invitación a la persona que le invitó."),
        Met::LinkRevoked => ("Esta invitación se ha revocado", "Si cree que se trata de un error, pregunte a la persona que le invitó."),
        Met::LinkReplaced => (
            "Un enlace más reciente ha sustituido a este",
            "Un mensaje más reciente contiene otro enlace, que es el que funciona. Abra ese.",
        ),
        Met::OnlySalesforceActivates => {
            ("Esta forma de activación está desactivada", "Inicie sesión en Salesforce para activar su cuenta.")
        }
        Met::OtherAddress => (
            "El usuario de Salesforce tiene otra dirección de correo electrónico",
            "La invitación se envió a otra dirección. Inicie sesión en Salesforce con el usuario cuya dirección de correo \
             electrónico fue invitada y vuelva a abrir el enlace.",
        ),
        Met::ResetLinkUnusable => ("El enlace no se puede usar", "No se conoce, ya se ha usado o tiene más de una hora. Solicite otro."),
        Met::PasswordsSwitchedOff => (
            "El inicio de sesión con contraseña está desactivado",
            "Aquí solo se permite iniciar sesión con Salesforce. Inicie sesión en Salesforce.",
        ),
        Met::AuthorizationNotBegun => (
            "Esta autorización no se puede completar",
            "No se inició en este navegador, ya se completó o tiene más de diez minutos. Empiece de nuevo.",
        ),
        Met::SessionMissing => (
            "Inicie sesión primero",
            "Esta autorización pertenece a un miembro que no ha iniciado sesión en este navegador. Inicie sesión aquí y empiece de nuevo.",
        ),
        Met::AuthorizationRefused => ("La autorización se ha rechazado", "Empiece de nuevo si desea concederla. El motivo (en inglés):"),
        Met::SalesforceNotConfigured => {
            ("La aplicación de Salesforce de este servicio no está configurada", "Diríjase al operador de este servicio.")
        }
        Met::Unavailable => ("El servicio no puede responder en este momento", "Inténtelo de nuevo dentro de unos segundos."),
        Met::Fault => (
            "Se ha producido un error por nuestra parte",
            "Inténtelo de nuevo. Si vuelve a ocurrir, diríjase al operador de este servicio.",
        ),
        Met::PasswordTooShortOrLong => ("Esta contraseña no se puede usar", "La contraseña es demasiado corta o demasiado larga."),
        Met::PasswordGuessable => (
            "Esta contraseña es demasiado fácil de adivinar",
            "Esta contraseña es una de las que se probarían primero. Elija varias palabras que no tengan nada que ver entre sí, o \
             deje que un programa genere una.",
        ),
        Met::NoSalesforceHost => {
            ("Esta dirección no pertenece a Salesforce", "Indique su dirección de My Domain, por ejemplo acme.my.salesforce.com.")
        }
        Met::Other => ("No ha funcionado", "Qué ha ocurrido (en inglés):"),
    }
}
