using System.Data.Common;
using Akka.Cluster.Hosting;
using Akka.Cluster.Hosting.SBR;
using Akka.Cluster.Tools.Client;
using Akka.Cluster.Tools.PublishSubscribe;
using Akka.Configuration;
using Akka.Hosting;
using Akka.Persistence.Sql;
using Akka.Persistence.Sql.Config;
using LinqToDB;
using LinqToDB.Interceptors;
using Microsoft.Data.Sqlite;
using Troupe.Kubernetes.Remoting;

namespace Troupe.ControlPlane.Hosting;

/// <summary>One extension for each concern; HOCON stays inside of them.</summary>
public static class AkkaConfiguration
{
    public const string SystemName = "troupe";
    public const string Role = "control-plane";

    public static AkkaConfigurationBuilder WithTroupeCluster(this AkkaConfigurationBuilder builder, ControlPlaneOptions options) => builder
        .WithTroupeRemoting(options.Remoting)
        .WithClustering(new ClusterOptions
        {
            Roles = [Role],
            SeedNodes = options.Seeds.Count > 0
                ? [.. options.Seeds.Select(seed => options.Remoting.Address(seed, SystemName))]
                : [options.Remoting.Address($"{options.Remoting.PublicHost}:{options.Remoting.Port}", SystemName)],
            SplitBrainResolver = new KeepMajorityOption(),
        })
        .AddHocon("""
            akka.cluster {
              failure-detector { heartbeat-interval = 500ms, acceptable-heartbeat-pause = 2s, threshold = 8.0 }
              gossip-interval = 500ms, leader-actions-interval = 500ms, unreachable-nodes-reaper-interval = 500ms
              # Once here and once as the margin: the default margin would silently wait as long again.
              split-brain-resolver.stable-after = 5s
              down-removal-margin = 2s
              sharding { retry-interval = 500ms, rebalance-interval = 5s, updating-state-timeout = 15s, passivate-idle-entity-after = off }
              client.receptionist.acceptable-heartbeat-pause = 13s
              # A single member need not wait for others.
              min-nr-of-members = 1
            }
            """, HoconAddMode.Prepend)
        // Loaded by themselves only with the extensions, when the table of serializers is made already.
        .AddHocon(ClusterClientReceptionist.DefaultConfig().WithFallback(DistributedPubSub.DefaultConfig()), HoconAddMode.Append);

    /// <param name="postgres">PostgreSQL's connection string; null for a SQLite file.</param>
    /// <param name="state">The folder of that file.</param>
    public static AkkaConfigurationBuilder WithTroupeJournal(this AkkaConfigurationBuilder builder, string? postgres, string state)
    {
        var sqlite = postgres is null;
        var connection = postgres ?? SqliteConnectionString(state);
        // One writer for SQLite: more only fight for its lock.
        var (provider, parallelism, batch) = sqlite ? ("SQLite.MS", 1, 100) : ("PostgreSQL.15", 3, 400);
        builder.AddHocon(ConfigurationFactory.ParseString($$"""
            akka.persistence {
              journal { plugin = "akka.persistence.journal.sql"
                sql { class = "Akka.Persistence.Sql.Journal.SqlWriteJournal, Akka.Persistence.Sql"
                  connection-string = {{Quote(connection)}}, provider-name = "{{provider}}", parallelism = {{parallelism}}, batch-size = {{batch}}, auto-initialize = true } }
              snapshot-store { plugin = "akka.persistence.snapshot-store.sql"
                sql { class = "Akka.Persistence.Sql.Snapshot.SqlSnapshotStore, Akka.Persistence.Sql"
                  connection-string = {{Quote(connection)}}, provider-name = "{{provider}}", auto-initialize = true } }
            }
            """), HoconAddMode.Prepend);
        builder.AddHocon(SqlPersistence.DefaultConfiguration, HoconAddMode.Append);
        if (sqlite)
        {
            UseWriteAheadLog(connection);
            builder.AddSetup(new DataOptionsSetup(new DataOptions().UseConnectionString("SQLite.MS", connection).UseInterceptor(new SqliteBatching())));
        }

        return builder;
    }

    private static string SqliteConnectionString(string state)
    {
        Directory.CreateDirectory(state);
        return $"Data Source={Path.Combine(state, "journal.db")};Default Timeout=30;Pooling=True";
    }

    /// <summary>Persists in the file. Without it, readers and the writer lose each other's transactions under load.</summary>
    private static void UseWriteAheadLog(string connection)
    {
        using var sqlite = new SqliteConnection(connection);
        sqlite.Open();
        using var pragma = sqlite.CreateCommand();
        pragma.CommandText = "PRAGMA journal_mode=WAL";
        pragma.ExecuteNonQuery();
    }

    private static string Quote(string text) => $"\"{text.Replace("\\", "\\\\").Replace("\"", "\\\"")}\"";

    /// <summary>
    /// Microsoft.Data.Sqlite's asynchronous calls run synchronously, so the journal's batching stage would never see that its writer is busy
    /// and write one row a transaction. One yield gives it that chance.
    /// </summary>
    private sealed class SqliteBatching : ConnectionInterceptor
    {
        public override async Task ConnectionOpeningAsync(ConnectionEventData eventData, DbConnection connection, CancellationToken cancellationToken) => await Task.Yield();

        public override async Task ConnectionOpenedAsync(ConnectionEventData eventData, DbConnection connection, CancellationToken cancellationToken)
        {
            using var pragma = connection.CreateCommand();
            // A decision that was acted on must survive a power cut.
            pragma.CommandText = "PRAGMA synchronous=FULL";
            await pragma.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
