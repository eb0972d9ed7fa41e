using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Resources;

/// <summary>What a strategy may look at besides the object.</summary>
internal sealed record StrategyContext(StoreState State, ResourceRegistry Registry, DateTimeOffset Now);

/// <summary>
/// The rules of one kind: how a new or changed object is completed and what is refused. All of it is a function of the objects
/// given; the strategy keeps nothing.
/// </summary>
internal class ResourceStrategy
{
    public static readonly ResourceStrategy Plain = new();

    /// <summary>What is wrong with a name, or null.</summary>
    public virtual string? NameProblem(string name) => Machinery.Names.DnsSubdomainProblem(name);

    /// <summary>Fills in defaults; for creates and updates alike.</summary>
    public virtual void Default(JsonObject obj)
    {
    }

    public virtual void PrepareForCreate(JsonObject obj, StrategyContext context)
    {
    }

    public virtual void PrepareForUpdate(JsonObject obj, JsonObject old, StrategyContext context)
    {
    }

    /// <param name="obj">The object as it would be stored.</param>
    /// <param name="old">Null for a create.</param>
    /// <param name="context">The rest of the cluster.</param>
    public virtual IEnumerable<StatusCause> Validate(JsonObject obj, JsonObject? old, StrategyContext context) => [];

    /// <summary>Seconds between the wish to delete and the end; 0 for all kinds that aren't stopped by someone.</summary>
    public virtual long GracePeriodSeconds(JsonObject obj, long? asked) => 0;

    /// <summary>Whether an object marked for deletion must stay although no metadata.finalizers are left.</summary>
    public virtual bool HoldsDeletion(JsonObject obj) => false;

    /// <summary>Called when the object gets its deletionTimestamp.</summary>
    public virtual void BeginDeletion(JsonObject obj)
    {
    }
}
