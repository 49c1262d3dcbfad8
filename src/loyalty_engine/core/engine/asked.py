"""All that can be asked of the engine, whatever it is about."""

from loyalty_engine.core.engine.membership_requests import MembershipRequest
from loyalty_engine.core.engine.referral_requests import ReferralRequest
from loyalty_engine.core.engine.requests import Request

Asked = Request | ReferralRequest | MembershipRequest
