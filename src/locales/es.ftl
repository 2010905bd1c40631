### Spanish.

## Mails

date-and-time =
    { $day } de { $month ->
        [1] enero
        [2] febrero
        [3] marzo
        [4] abril
        [5] mayo
        [6] junio
        [7] julio
        [8] agosto
        [9] septiembre
        [10] octubre
        [11] noviembre
       *[12] diciembre
    } de { $year }, { $time } UTC

mail =
    .greeting = Hola:
    .link-works-until = El enlace funciona una sola vez, hasta el { $until }.

inviter =
    .named = { $name }
    .marketo-admin = Su administrador de Marketo
    .admin = Un administrador

invitation-mail =
    .subject = Invitación a { $instance } en Sales Insight Actions
    .invited = { $inviter } le ha invitado a { $instance } en Sales Insight Actions.
    .open-link = Abra este enlace para activar su cuenta:
    .unexpected = Si no esperaba este mensaje, ignórelo: no ocurre nada hasta que se use el enlace.

password-reset-mail =
    .subject = Una contraseña nueva para { $instance } en Sales Insight Actions
    .requested = Se ha solicitado una contraseña nueva para su cuenta de { $instance } en Sales Insight Actions.
    .open-link = Abra este enlace para elegirla:
    .unexpected = Si no ha sido usted, ignore este mensaje: su contraseña no cambia.

sync-complete-mail =
    .subject = La sincronización de personas de { $instance } ha terminado
    .ending = La sincronización de personas de { $instance } ha terminado.

sync-failed-mail =
    .subject = La sincronización de personas de { $instance } ha fallado
    .ending = La sincronización de personas de { $instance } ha fallado.
    .what = Qué ha ocurrido (en inglés): { $what }
    .remedy = Qué hacer (en inglés): { $remedy }

sync-notice-mail =
    .run = Ejecución { $run }
    .read = Leídas de Marketo: { $count }
    .qualified = Cualificadas: { $count }
    .added = Añadidas: { $count }
    .changed = Modificadas: { $count }
    .unchanged = Sin cambios: { $count }
    .removed = Eliminadas: { $count }
    .rejected = Filas no utilizables: { $count }

## Pages

activation-page =
    .title = Active su cuenta de { $instance }
    .invited = { $email } ha recibido una invitación a { $instance } en Sales Insight Actions.
    .log-in-as = Inicie sesión en Salesforce con el usuario cuya dirección de correo electrónico es { $email }.
    .log-in-production = Iniciar sesión con Salesforce
    .log-in-sandbox = Iniciar sesión con un sandbox de Salesforce
    .log-in-my-domain = Iniciar sesión con My Domain
    .my-domain-label = My Domain, por ejemplo acme.my.salesforce.com
    .password-label = O elija una contraseña de al menos { $shortest } caracteres
    .use-password = Activar con esta contraseña

activated-page =
    .title = Su cuenta está activa
    .text = Ha iniciado sesión como { $email }. Puede cerrar esta ventana.

password-reset-page =
    .title = Elija una contraseña nueva
    .text = Para { $email }. Se cerrará su sesión en todas partes e iniciará sesión con la contraseña nueva.
    .password-label = Una contraseña de al menos { $shortest } caracteres
    .button = Establecer esta contraseña

password-set-page =
    .title = Su contraseña está establecida
    .text = Inicie sesión con ella. Se ha cerrado su sesión en todos los demás lugares.

salesforce-connected-page =
    .title = Salesforce está conectado
    .text = Una llamada de prueba se ha completado. Puede cerrar esta ventana y continuar con la configuración.

salesforce-needs-attention-page =
    .title = Salesforce requiere atención
    .text = La autorización se ha completado, pero una llamada de prueba ha fallado (en inglés):

## Problems

problem-link-unknown =
    .title = Este enlace de activación no se conoce
    .text = Use sin cambios el enlace del mensaje de invitación más reciente.

problem-link-used =
    .title = Este enlace de activación ya se ha usado
    .text = Si fue usted, inicie sesión.

problem-link-expired =
    .title = Este enlace de activación ha caducado
    .text = Pida una nueva invitación a la persona que le invitó.

problem-link-revoked =
    .title = Esta invitación se ha revocado
    .text = Si cree que se trata de un error, pregunte a la persona que le invitó.

problem-link-replaced =
    .title = Un enlace más reciente ha sustituido a este
    .text = Un mensaje más reciente contiene otro enlace, que es el que funciona. Abra ese.

problem-password-activation-off =
    .title = Esta forma de activación está desactivada
    .text = Inicie sesión en Salesforce para activar su cuenta.

problem-email-mismatch =
    .title = El usuario de Salesforce tiene otra dirección de correo electrónico
    .text = La invitación se envió a otra dirección. Inicie sesión en Salesforce con el usuario cuya dirección de correo electrónico fue invitada y vuelva a abrir el enlace.

problem-reset-link-unusable =
    .title = El enlace no se puede usar
    .text = No se conoce, ya se ha usado o tiene más de una hora. Solicite otro.

problem-password-login-off =
    .title = El inicio de sesión con contraseña está desactivado
    .text = Aquí solo se permite iniciar sesión con Salesforce. Inicie sesión en Salesforce.

problem-authorization-state-invalid =
    .title = Esta autorización no se puede completar
    .text = No se inició en este navegador, ya se completó o tiene más de diez minutos. Empiece de nuevo.

problem-session-required =
    .title = Inicie sesión primero
    .text = Esta autorización pertenece a un miembro que no ha iniciado sesión en este navegador. Inicie sesión aquí y empiece de nuevo.

problem-authorization-denied =
    .title = La autorización se ha rechazado
    .text = Empiece de nuevo si desea concederla. El motivo (en inglés): { $detail }

problem-salesforce-not-configured =
    .title = La aplicación de Salesforce de este servicio no está configurada
    .text = Diríjase al operador de este servicio.

problem-unavailable =
    .title = El servicio no puede responder en este momento
    .text = Inténtelo de nuevo dentro de unos segundos.

problem-internal =
    .title = Se ha producido un error por nuestra parte
    .text = Inténtelo de nuevo. Si vuelve a ocurrir, diríjase al operador de este servicio.

problem-password-length =
    .title = Esta contraseña no se puede usar
    .text = La contraseña es demasiado corta o demasiado larga.

problem-password-guessable =
    .title = Esta contraseña es demasiado fácil de adivinar
    .text = Esta contraseña es una de las que se probarían primero. Elija varias palabras que no tengan nada que ver entre sí, o deje que un programa genere una.

problem-salesforce-host =
    .title = Esta dirección no pertenece a Salesforce
    .text = Indique su dirección de My Domain, por ejemplo acme.my.salesforce.com.

problem-other =
    .title = No ha funcionado
    .text = Qué ha ocurrido (en inglés): { $detail }
