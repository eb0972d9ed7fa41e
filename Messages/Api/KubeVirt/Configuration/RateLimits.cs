using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record ReloadableComponentConfiguration : ApiObject
{
    public RESTClientConfiguration? RestClient { get; init; }
}

public sealed record RESTClientConfiguration : ApiObject
{
    public RateLimiter? RateLimiter { get; init; }
}

public sealed record RateLimiter : ApiObject
{
    public TokenBucketRateLimiter? TokenBucketRateLimiter { get; init; }
}

public sealed record TokenBucketRateLimiter : ApiObject
{
    [ApiRequired]
    [ApiFormat("")]
    public int? Burst { get; init; }
    [ApiRequired]
    public double? Qps { get; init; }
}
