### Korean.

## Mails

date-and-time = { $year }년 { $month }월 { $day }일 { $time } UTC

mail =
    .greeting = 안녕하세요.
    .link-works-until = 이 링크는 { $until }까지 한 번만 사용할 수 있습니다.

inviter =
    .named = { $name }
    .marketo-admin = Marketo 관리자
    .admin = 관리자

invitation-mail =
    .subject = Sales Insight Actions의 { $instance }에 초대되었습니다
    .invited = { $inviter } 님이 귀하를 Sales Insight Actions의 { $instance }에 초대했습니다.
    .open-link = 다음 링크를 열어 계정을 활성화하십시오.
    .unexpected = 예상하지 못한 메시지라면 무시하십시오. 링크를 사용하지 않으면 아무 일도 일어나지 않습니다.

password-reset-mail =
    .subject = Sales Insight Actions의 { $instance } 새 비밀번호
    .requested = Sales Insight Actions의 { $instance } 계정에 대한 새 비밀번호가 요청되었습니다.
    .open-link = 다음 링크를 열어 새 비밀번호를 설정하십시오.
    .unexpected = 본인이 요청하지 않았다면 이 메시지를 무시하십시오. 비밀번호는 변경되지 않습니다.

sync-complete-mail =
    .subject = { $instance }의 사용자 동기화가 완료되었습니다
    .ending = { $instance }의 사용자 동기화가 완료되었습니다.

sync-failed-mail =
    .subject = { $instance }의 사용자 동기화에 실패했습니다
    .ending = { $instance }의 사용자 동기화에 실패했습니다.
    .what = 발생한 문제(영어): { $what }
    .remedy = 조치 방법(영어): { $remedy }

sync-notice-mail =
    .run = 실행 { $run }
    .read = Marketo에서 읽음: { $count }
    .qualified = 대상: { $count }
    .added = 추가됨: { $count }
    .changed = 변경됨: { $count }
    .unchanged = 변경 없음: { $count }
    .removed = 제거됨: { $count }
    .rejected = 사용할 수 없는 행: { $count }

## Pages

activation-page =
    .title = { $instance } 계정 활성화
    .invited = { $email } 님이 Sales Insight Actions의 { $instance }에 초대되었습니다.
    .log-in-as = 이메일 주소가 { $email }인 사용자로 Salesforce에 로그인하십시오.
    .log-in-production = Salesforce로 로그인
    .log-in-sandbox = Salesforce 샌드박스로 로그인
    .log-in-my-domain = 내 도메인으로 로그인
    .my-domain-label = 내 도메인(예: acme.my.salesforce.com)
    .password-label = 또는 { $shortest }자 이상의 비밀번호를 선택하십시오
    .use-password = 이 비밀번호로 활성화

activated-page =
    .title = 계정이 활성화되었습니다
    .text = { $email }(으)로 로그인했습니다. 이 창을 닫아도 됩니다.

password-reset-page =
    .title = 새 비밀번호 선택
    .text = { $email }의 비밀번호입니다. 모든 곳에서 로그아웃되며 새 비밀번호로 로그인하게 됩니다.
    .password-label = { $shortest }자 이상의 비밀번호
    .button = 이 비밀번호 설정

password-set-page =
    .title = 비밀번호가 설정되었습니다
    .text = 새 비밀번호로 로그인하십시오. 다른 모든 곳에서 로그아웃되었습니다.

salesforce-connected-page =
    .title = Salesforce가 연결되었습니다
    .text = 테스트 호출에 성공했습니다. 이 창을 닫고 설정을 계속하십시오.

salesforce-needs-attention-page =
    .title = Salesforce를 확인해야 합니다
    .text = 권한 부여는 완료되었지만 테스트 호출에 실패했습니다(영어):

## Problems

problem-link-unknown =
    .title = 알 수 없는 활성화 링크입니다
    .text = 가장 최근 초대 메시지의 링크를 변경하지 말고 사용하십시오.

problem-link-used =
    .title = 이미 사용된 활성화 링크입니다
    .text = 본인이 사용했다면 로그인하십시오.

problem-link-expired =
    .title = 만료된 활성화 링크입니다
    .text = 초대한 사람에게 새 초대를 요청하십시오.

problem-link-revoked =
    .title = 취소된 초대입니다
    .text = 실수라고 생각되면 초대한 사람에게 문의하십시오.

problem-link-replaced =
    .title = 더 새로운 링크가 있습니다
    .text = 더 최근 메시지에 유효한 다른 링크가 있습니다. 그 링크를 여십시오.

problem-password-activation-off =
    .title = 이 활성화 방법은 꺼져 있습니다
    .text = Salesforce에 로그인하여 계정을 활성화하십시오.

problem-email-mismatch =
    .title = Salesforce 사용자의 이메일 주소가 다릅니다
    .text = 초대는 다른 주소로 전송되었습니다. 초대된 이메일 주소의 사용자로 Salesforce에 로그인한 다음 링크를 다시 여십시오.

problem-reset-link-unusable =
    .title = 이 링크는 사용할 수 없습니다
    .text = 알 수 없거나 이미 사용되었거나 한 시간이 지난 링크입니다. 새 링크를 요청하십시오.

problem-password-login-off =
    .title = 비밀번호 로그인이 꺼져 있습니다
    .text = 여기서는 Salesforce 로그인만 허용됩니다. Salesforce에 로그인하십시오.

problem-authorization-state-invalid =
    .title = 이 권한 부여를 완료할 수 없습니다
    .text = 이 브라우저에서 시작되지 않았거나 이미 완료되었거나 10분이 지났습니다. 다시 시작하십시오.

problem-session-required =
    .title = 먼저 로그인하십시오
    .text = 이 권한 부여는 이 브라우저에 로그인하지 않은 구성원의 것입니다. 여기에서 로그인한 후 다시 시작하십시오.

problem-authorization-denied =
    .title = 권한 부여가 거부되었습니다
    .text = 허용하려면 다시 시작하십시오. 이유(영어): { $detail }

problem-salesforce-not-configured =
    .title = 이 서비스의 Salesforce 앱이 설정되지 않았습니다
    .text = 이 서비스의 운영자에게 문의하십시오.

problem-unavailable =
    .title = 서비스가 지금 응답할 수 없습니다
    .text = 몇 초 후에 다시 시도하십시오.

problem-internal =
    .title = 서비스에 문제가 발생했습니다
    .text = 다시 시도하십시오. 다시 발생하면 이 서비스의 운영자에게 문의하십시오.

problem-password-length =
    .title = 이 비밀번호는 사용할 수 없습니다
    .text = 비밀번호가 너무 짧거나 너무 깁니다.

problem-password-guessable =
    .title = 추측하기 너무 쉬운 비밀번호입니다
    .text = 가장 먼저 시도되는 비밀번호 중 하나입니다. 서로 관련 없는 단어 여러 개를 사용하거나 프로그램으로 생성하십시오.

problem-salesforce-host =
    .title = Salesforce의 주소가 아닙니다
    .text = 내 도메인 주소를 입력하십시오(예: acme.my.salesforce.com).

problem-other =
    .title = 작업이 완료되지 않았습니다
    .text = 발생한 문제(영어): { $detail }
