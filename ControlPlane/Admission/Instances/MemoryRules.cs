using Troupe.ControlPlane.Admission.Configuration;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>Guest memory, huge pages, memory requests and limits.</summary>
internal static class MemoryRules
{
    private const string Memory = "memory";
    private const long SmallestRequest = 1_000_000;

    public static IEnumerable<StatusCause> Request(InstanceContext c)
    {
        var (field, request) = (c.RequestPath(Memory), c.Request(Memory));
        if (request.Value < 0)
            yield return Cause.Invalid(field, $"{field} '{Quantities.Canonical(request)}': must be greater than or equal to 0.");
        else if (request.Value is > 0 and < SmallestRequest)
            yield return Cause.Invalid(field, $"{field} '{Quantities.Canonical(request)}': must be greater than or equal to 1M.");
    }

    public static IEnumerable<StatusCause> Limit(InstanceContext c)
    {
        var (field, limit, request) = (c.LimitPath(Memory), c.Limit(Memory), c.Request(Memory));
        if (limit.Value < 0)
            yield return Cause.Invalid(field, $"{field} '{Quantities.Canonical(limit)}': must be greater than or equal to 0.");
        if (limit.Value > 0 && request.Units > limit.Units)
            yield return Cause.Invalid(c.RequestPath(Memory), $"{c.RequestPath(Memory)} '{Quantities.Canonical(request)}' is greater than {field} '{Quantities.Canonical(limit)}'");
    }

    public static IEnumerable<StatusCause> Hugepages(InstanceContext c)
    {
        if (c.Domain.Memory?.Hugepages is not { } hugepages)
            yield break;
        var (pageField, field, request) = (c.DomainPath.At("memory", "hugepages", "pageSize"), c.RequestPath(Memory), c.Request(Memory));
        if (!Quantity.TryParse(hugepages.PageSize, out _))
        {
            yield return Cause.Invalid(pageField, $"{pageField} '{hugepages.PageSize}': {Quantities.FormatError}");
            yield break;
        }

        var page = new Quantity(hugepages.PageSize!).Units;
        var memory = new[] { request.Units, c.Domain.Memory.Guest?.Units ?? 0, c.Limit(Memory).Units }.FirstOrDefault(m => m != 0);
        if (memory != 0 && memory < page)
            yield return Cause.Invalid(field, $"{field} '{Quantities.Canonical(request)}' must be equal to or larger than page size {pageField} '{hugepages.PageSize}'");
        else if (page != 0 && memory % page != 0)
            yield return Cause.Invalid(field, $"{field} '{Quantities.Canonical(request)}' is not a multiple of the page size {pageField} '{hugepages.PageSize}'");
    }

    /// <summary>Memory that is plugged into a live guest moves the limit with it; without live update the limit must do for good.</summary>
    public static IEnumerable<StatusCause> GuestIsWithinLimit(InstanceContext c)
    {
        if (c.Config.IsLiveUpdate || c.Domain.Memory?.Guest is not { } guest || c.Limit(Memory) is not { Units: not 0 } limit || limit.Units >= guest.Units)
            yield break;
        var field = c.DomainPath.At("memory", "guest");
        yield return Cause.Invalid(field, $"{field} '{Quantities.Canonical(guest)}' must be equal to or less than the memory limit {c.LimitPath(Memory)} '{Quantities.Canonical(limit)}'");
    }

    public static IEnumerable<StatusCause> ReservedOverhead(InstanceContext c)
    {
        if (c.Domain.Memory?.ReservedOverhead is not null && !c.IsEnabled(FeatureGates.ReservedOverheadMemlock))
            yield return Cause.Invalid(c.DomainPath.At("memory", "reservedOverhead"), "Reserved overhead memlock feature gate is not enabled in kubevirt-config");
    }

    /// <summary>Of a VMI, once its defaults are there; a template may still get its memory from an instancetype.</summary>
    public static IEnumerable<StatusCause> IsGiven(InstanceContext c)
    {
        if (c.Request(Memory).Units == 0 && c.Domain.Memory is not { Guest: not null } and not { Hugepages: not null })
        {
            yield return Cause.Required(FieldPath.Root,
                $"no memory requested, at least one of '{c.DomainPath.At("memory", "guest")}', '{c.DomainPath.At("memory", "hugepages", "pageSize")}' or '{c.RequestPath(Memory)}' must be set");
        }
    }

    public static bool IsNowhereGiven(InstanceContext c) =>
        c.Limit(Memory).Value == 0 && c.Request(Memory).Value == 0 && c.Domain.Memory?.Hugepages is null && c.Domain.Memory?.Guest is null or { Value: 0 };
}
